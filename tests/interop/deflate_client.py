"""Clients with every combination of compression parameters against the echo servers whose URLs are the arguments."""

import asyncio
import random
import sys
from itertools import cycle, product

import aiohttp
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from values import DEADLINE, PATTERN, same, say

SIZES = (0, 1, 400, 5_000, 50_000)
LARGE = (1024 * 1024, 16 * 1024 * 1024)
# What does not compress, and spans more than every window.
NOISE = random.Random(7).randbytes(70_000)
# Every window that Python's zlib has: it inflates 8 bits, but does not compress with them.
SERVER_BITS = cycle(range(8, 16))
CLIENT_BITS = cycle(range(9, 16))


def texts(large):
    for size in SIZES + LARGE * large:
        yield (PATTERN * (size // 16 + 1))[: size * 12 // 16]


async def talk(url, large):
    for count, (*contexts, server, client) in enumerate(
        product((False, True), (False, True), (None, int), (None, True, int))
    ):
        server = next(SERVER_BITS) if server is int else None
        parameters = (*contexts, server, next(CLIENT_BITS) if client is int else client)
        factory = ClientPerMessageDeflateFactory(*parameters)
        options = {"max_size": None, "proxy": None, "compression": None, "extensions": [factory]}
        async with connect(url, **options) as connection:
            same(f"extensions of {parameters}", len(connection.protocol.extensions), 1)
            for text in texts(large and count == 0):
                # The second time a context refers to the first.
                for _ in range(2 if len(text) < LARGE[0] // 2 else 1):
                    await connection.send(text)
                    same(f"text with {parameters}", await connection.recv(), text)
                await connection.send(text.encode())
                same(f"binary with {parameters}", await connection.recv(), text.encode())
            await connection.send(NOISE)
            same(f"noise with {parameters}", await connection.recv(), NOISE)


async def talk_aiohttp(url, large):
    async with aiohttp.ClientSession() as session:
        for bits in range(9, 16):
            async with session.ws_connect(url, max_msg_size=0, compress=bits) as connection:
                same("compression", connection.compress > 0, True)
                for text in texts(large and bits == 15):
                    for _ in range(2 if len(text) < LARGE[0] // 2 else 1):
                        await connection.send_str(text)
                        same(f"text with aiohttp at {bits}", (await connection.receive()).data, text)
                await connection.send_bytes(NOISE)
                same(f"noise with aiohttp at {bits}", (await connection.receive()).data, NOISE)


async def main():
    for at, url in enumerate(sys.argv[1:]):
        # The first two servers differ in context takeover.
        await talk(url, at < 2)
        await talk_aiohttp(url, at < 2)


asyncio.run(asyncio.wait_for(main(), 3 * DEADLINE))
say("passed")
