"""Clients made with Python websockets: on a line `work URL SECONDS` a few of them talk to the echo server there and check
that every message comes back once and in order, then they close and say `rested COUNT`. `echo` as the argument: an echo
server instead. Both end with their standard input."""

import asyncio
import random
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

KIND = "E"


def message(stream, number, size):
    return (f"{KIND}{stream:016x}{number:016x}" + FILLER[(stream * 31 + number * 977) % 65536:])[:size]


class Numbers:
    """The generator of accounts.rs."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) | 1

    def below(self, bound):
        state = self.state
        state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
        self.state = state
        return (state >> 11) % bound


NUMBERS = Numbers(7)
FILLER = "".join(chr(ord("a") + NUMBERS.below(16)) for _ in range(150_000))


async def talk(url, stream, until):
    """One connection: bursts of messages, each burst back before the next."""
    count = 0
    async with connect(url, max_size=None, proxy=None, open_timeout=120, ping_interval=None) as connection:
        while count == 0 or asyncio.get_running_loop().time() < until and random.random() > 0.05:
            burst = [message(stream, count + at, random.choice([40, 40, 200, 5000, 60000])) for at in range(random.randint(1, 20))]
            for text in burst:
                await connection.send(text if random.random() < 0.5 else text.encode())
            for text in burst:
                while True:
                    got = await connection.recv()
                    got = got if isinstance(got, str) else got.decode()
                    # What the server sends of its own is checked by others.
                    if got[0] == KIND:
                        break
                assert got == text, f"{got[:40]} instead of {text[:40]}"
            count += len(burst)
    return count


async def some(url, number, until):
    count, stream = 0, (number + 1) << 48
    while asyncio.get_running_loop().time() < until:
        stream += 1
        try:
            count += await talk(url, stream, until)
        except ConnectionClosed as closed:
            # The server may end a connection; then by a close with its code.
            assert closed.rcvd is not None and closed.rcvd.code == 4000, closed
    return count


async def clients():
    while line := await asyncio.to_thread(sys.stdin.readline):
        _, url, seconds = line.split()
        until = asyncio.get_running_loop().time() + float(seconds)
        counts = await asyncio.gather(*(some(url, number, until) for number in range(4)))
        print("rested", sum(counts), flush=True)


async def echo(connection):
    try:
        async for text in connection:
            await connection.send(text)
    except ConnectionClosed:
        pass  # cut off without a word


async def server():
    async with serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None) as listening:
        print("port", listening.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(server() if sys.argv[1:] == ["echo"] else clients())
