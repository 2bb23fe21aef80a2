"""A server made with Python websockets; README.md tells what it answers."""

import asyncio
import sys

import websockets
from websockets.asyncio.server import serve, unix_serve

from values import BINARY_FRAGMENTS, TEXT_FRAGMENTS, closed_line, parse_close, say


async def fragments_with_ping(connection, fragments):
    pong = None
    for fragment in fragments:
        yield fragment
        if pong is None:
            pong = await connection.ping()
    await pong


async def answer(connection):
    try:
        async for message in connection:
            if message == "!fragments":
                await connection.send(fragments_with_ping(connection, TEXT_FRAGMENTS))
                await connection.send(fragments_with_ping(connection, BINARY_FRAGMENTS))
            elif message == "!ping":
                await (await connection.ping(b"are you there"))
                await connection.send("pong")
            elif isinstance(message, str) and message.startswith("!close "):
                code, reason = parse_close(message)
                await connection.close(code, reason)
            else:
                await connection.send(message)
    except websockets.ConnectionClosed:
        pass
    await connection.wait_closed()
    say(closed_line(connection.close_code, connection.close_reason))


async def main():
    path = sys.argv[1] if len(sys.argv) > 1 else None
    serving = unix_serve(answer, path, max_size=None) if path else serve(answer, "127.0.0.1", 0, max_size=None)
    async with serving as server:
        say(f"path {path}" if path else f"port {server.sockets[0].getsockname()[1]}")
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
