"""An echo server on the websockets package."""

import asyncio

from websockets.asyncio.server import serve


async def echo(connection):
    try:
        async for message in connection:
            await connection.send(message)
    except Exception:
        pass


async def main():
    async with serve(
        echo, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None, backlog=4096
    ) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
