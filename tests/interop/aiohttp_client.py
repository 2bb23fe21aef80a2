"""A client made with Python aiohttp; goes through the conversation that README.md describes."""

import asyncio
import sys

import aiohttp
from aiohttp import WSMsgType

from values import (BINARIES, BINARY_FRAGMENTS, CLOSES, DEADLINE, TEXT_FRAGMENTS, TEXTS, same, say)

MASK = b"\x12\x34\xab\xcd"


def frames_with_ping(opcode, fragments):
    """Frames as bytes: aiohttp has no call that sends a message in fragments."""

    def frame(first, payload):
        masked = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))
        return bytes([first, 0x80 | len(payload)]) + MASK + masked

    out = bytearray()
    for index, fragment in enumerate(fragments):
        final = 0x80 if index == len(fragments) - 1 else 0
        out += frame(final | (opcode if index == 0 else 0), fragment)
        if index == 0:
            out += frame(0x89, b"between")
    return bytes(out)


async def receive(connection, kind, answer_pings=True):
    """The next message of this kind; answers pings, as autoping would, and steps over nothing else."""
    while True:
        message = await connection.receive()
        if message.type == WSMsgType.PING and answer_pings:
            await connection.pong(message.data)
            continue
        if message.type != kind:
            raise AssertionError(f"wanted {kind!r}, got {message!r}")
        return message


async def talk(session, url):
    # Without autoping pongs are handed over, so that they can be waited for.
    def open_connection():
        return session.ws_connect(url, max_msg_size=0, autoping=False)

    connection = await open_connection()
    for text in TEXTS:
        await connection.send_str(text)
        same("echo", (await receive(connection, WSMsgType.TEXT)).data, text)
    for binary in BINARIES:
        await connection.send_bytes(binary)
        same("echo", (await receive(connection, WSMsgType.BINARY)).data, binary)

    transport = connection._conn.transport
    transport.write(frames_with_ping(1, [text.encode() for text in TEXT_FRAGMENTS]))
    same("pong", (await receive(connection, WSMsgType.PONG)).data, b"between")
    same("fragmented text", (await receive(connection, WSMsgType.TEXT)).data, "".join(TEXT_FRAGMENTS))
    transport.write(frames_with_ping(2, BINARY_FRAGMENTS))
    same("pong", (await receive(connection, WSMsgType.PONG)).data, b"between")
    same("fragmented binary", (await receive(connection, WSMsgType.BINARY)).data, b"".join(BINARY_FRAGMENTS))

    await connection.ping("жив?".encode())
    same("pong", (await receive(connection, WSMsgType.PONG)).data, "жив?".encode())
    await connection.send_str("!ping")
    ping = await receive(connection, WSMsgType.PING, answer_pings=False)
    await connection.pong(ping.data)
    same("after the server's ping", (await receive(connection, WSMsgType.TEXT)).data, "pong")
    await connection.close(code=3000, message="конец разговора".encode())

    for code, reason in CLOSES:
        connection = await open_connection()
        # A connection that comes and goes unnoticed leaves no events: let the server answer first.
        await connection.send_str("before the close")
        same("echo", (await receive(connection, WSMsgType.TEXT)).data, "before the close")
        await connection.close(code=code, message=reason.encode())
        same("close code sent back", connection.close_code, code)
    for code, reason in CLOSES:
        connection = await open_connection()
        await connection.send_str(f"!close {code} {reason}")
        close = await receive(connection, WSMsgType.CLOSE)
        same("close", (close.data, close.extra), (code, reason))


async def main():
    async with aiohttp.ClientSession() as session:
        await asyncio.wait_for(talk(session, sys.argv[1]), DEADLINE)


asyncio.run(main())
say("passed")
