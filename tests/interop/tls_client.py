"""A WebSocket client under TLS that checks the server's certificate: URL CA. It says what came back."""

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect


async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    async with connect(sys.argv[1], ssl=context) as connection:
        await connection.send("привет")
        print("got", await connection.recv(), flush=True)


asyncio.run(main())
