"""A server made with Python aiohttp; README.md tells what it answers."""

import asyncio
import sys

from aiohttp import WSMsgType, web

from values import BINARY_FRAGMENTS, TEXT_FRAGMENTS, closed_line, parse_close, say


def frames_with_ping(opcode, fragments):
    """Frames as bytes: aiohttp has no call that sends a message in fragments."""
    out = bytearray()
    for index, fragment in enumerate(fragments):
        final = 0x80 if index == len(fragments) - 1 else 0
        out += bytes([final | (opcode if index == 0 else 0), len(fragment)]) + fragment
        if index == 0:
            out += b"\x89\x07between"
    return bytes(out)


async def answer(request):
    # Without autoping pongs are handed over, so that they can be waited for.
    connection = web.WebSocketResponse(max_msg_size=0, autoping=False)
    await connection.prepare(request)
    while True:
        message = await connection.receive()
        if message.type == WSMsgType.PING:
            await connection.pong(message.data)
        elif message.type == WSMsgType.PONG:
            if message.data == b"are you there":
                await connection.send_str("pong")
        elif message.type == WSMsgType.BINARY:
            await connection.send_bytes(message.data)
        elif message.type == WSMsgType.CLOSE:
            # aiohttp has answered with 1000, whatever the code was.
            say(closed_line(message.data, message.extra))
            return connection
        elif message.type != WSMsgType.TEXT:
            say(closed_line(connection.close_code, ""))
            return connection
        elif message.data == "!fragments":
            request.transport.write(frames_with_ping(1, [text.encode() for text in TEXT_FRAGMENTS]))
            request.transport.write(frames_with_ping(2, BINARY_FRAGMENTS))
        elif message.data == "!ping":
            await connection.ping(b"are you there")
        elif message.data.startswith("!close "):
            code, reason = parse_close(message.data)
            await connection.close(code=code, message=reason.encode())
        else:
            await connection.send_str(message.data)


async def main():
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say(f"port {runner.addresses[0][1]}")
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
