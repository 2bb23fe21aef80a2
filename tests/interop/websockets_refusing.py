"""A server made with Python websockets that refuses, redirects and limits by path; README.md tells how."""

import asyncio
import sys

from websockets.asyncio.server import serve

from values import say

busy = 0


def judge(connection, request):
    global busy
    path = request.path
    if path.startswith("/moved/"):
        # /moved/302/where: the place is relative.
        _, _, status, place = path.split("/", 3)
        response = connection.respond(int(status), "moved\n")
        response.headers["Location"] = f"/{place}"
        return response
    if path == "/refused":
        return connection.respond(403, "нет мест\n")
    if path == "/busy":
        busy += 1
        if busy == 1:
            response = connection.respond(503, "busy\n")
            response.headers["Retry-After"] = "1"
            return response
    return None


async def answer(connection):
    async for message in connection:
        await connection.send(f"{connection.request.path} {connection.request.headers.get('X-Token', '')} {message}")


async def main():
    async with serve(answer, "127.0.0.1", 0, process_request=judge) as server:
        say(f"port {server.sockets[0].getsockname()[1]}")
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
