"""A client made with Python websockets; goes through the conversation that README.md describes."""

import asyncio
import sys

import websockets
from websockets.asyncio.client import connect, unix_connect

from values import (BINARIES, BINARY_FRAGMENTS, CLOSES, DEADLINE, TEXT_FRAGMENTS, TEXTS, same, say)


def open_connection(url):
    if url.startswith("/"):
        return unix_connect(url, max_size=None)
    # No proxy: a test must not depend on the environment's.
    return connect(url, max_size=None, proxy=None)


async def fragments_with_ping(connection, fragments):
    pong = None
    for fragment in fragments:
        yield fragment
        if pong is None:
            pong = await connection.ping()
    await pong


async def talk(url):
    connection = await open_connection(url)
    for value in TEXTS + BINARIES:
        await connection.send(value)
        same("echo", await connection.recv(), value)
    await connection.send(fragments_with_ping(connection, TEXT_FRAGMENTS))
    same("fragmented text", await connection.recv(), "".join(TEXT_FRAGMENTS))
    await connection.send(fragments_with_ping(connection, BINARY_FRAGMENTS))
    same("fragmented binary", await connection.recv(), b"".join(BINARY_FRAGMENTS))
    # The future is set by the pong that carries the same payload, and only by it.
    await (await connection.ping("жив?".encode()))
    await connection.send("!ping")
    same("after the server's ping", await connection.recv(), "pong")
    await connection.close(3000, "конец разговора")

    for code, reason in CLOSES:
        connection = await open_connection(url)
        # A connection that comes and goes unnoticed leaves no events: let the server answer first.
        await connection.send("before the close")
        same("echo", await connection.recv(), "before the close")
        await connection.close(code, reason)
        same("close code sent back", connection.close_code, code)
    for code, reason in CLOSES:
        connection = await open_connection(url)
        await connection.send(f"!close {code} {reason}")
        try:
            raise AssertionError(f"a message instead of a close: {await connection.recv()!r}")
        except websockets.ConnectionClosed as closed:
            same("close", (closed.rcvd.code, closed.rcvd.reason), (code, reason))


asyncio.run(asyncio.wait_for(talk(sys.argv[1]), DEADLINE))
say("passed")
