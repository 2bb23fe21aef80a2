"""Echo servers with every combination of compression parameters; prints `port NUMBER NAME` for each, then `ready`."""

import asyncio
import sys
from itertools import cycle, product

from aiohttp import WSMsgType, web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from values import say


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def echo_aiohttp(request):
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


class TornadoEcho(WebSocketHandler):
    """Takes over parameters with a value only, so that it keeps its context whatever it is asked for."""

    def get_compression_options(self):
        return {"compression_level": 6, "mem_level": 9}

    async def on_message(self, message):
        await self.write_message(message, binary=isinstance(message, bytes))


async def main():
    servers = []
    server_bits, client_bits = cycle(range(9, 16)), cycle(range(8, 16))
    for *contexts, server, client in product((False, True), (False, True), (None, int), (None, int)):
        parameters = (*contexts, server and next(server_bits), client and next(client_bits))
        factory = ServerPerMessageDeflateFactory(*parameters)
        server = await serve(echo, "127.0.0.1", 0, max_size=None, compression=None, extensions=[factory])
        servers.append(server)
        say(f"port {server.sockets[0].getsockname()[1]} websockets{parameters}")
    app = web.Application()
    app.router.add_get("/", echo_aiohttp)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    say(f"port {runner.addresses[0][1]} aiohttp")
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(Application([("/", TornadoEcho)], websocket_max_message_size=64 << 20)).add_sockets(sockets)
    say(f"port {sockets[0].getsockname()[1]} Tornado")
    say("ready")
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
