"""The four pages of WebTutor's article on WebSockets, and one without a name: prints what each of them got, as JSON.

They connect to the server at the first argument, such as ws://127.0.0.1:9099; the second, if there is one, is a file with
the authority that its certificate has to be of. Each listens until it gets "end"; the last line is {name: [message, ...]}.
"""

import asyncio
import json
import ssl
import sys

from websockets.asyncio.client import connect

PAGES = [
    "id:10001::group_id:10001",
    "id:10002::group_id:10001",
    "id:10003::group_id:10002",
    "id:10004::group_id:10002",
]


async def page(url, tls, name, ready):
    query = f"?X-StatefulSocketId={name}" if name else ""
    messages = []
    # No proxy: a test must not depend on the environment's.
    async with connect(f"{url}/services/main_ws_service{query}", proxy=None, ssl=tls) as connection:
        ready.release()
        async for message in connection:
            if message == "end":
                break
            messages.append(message)
    return messages


async def main(url, authority=None):
    tls = ssl.create_default_context(cafile=authority) if authority else None
    names = PAGES + [""]
    ready = asyncio.Semaphore(0)
    pages = [asyncio.create_task(page(url, tls, name, ready)) for name in names]
    for _ in names:
        await ready.acquire()
    print("ready", flush=True)
    got = await asyncio.wait_for(asyncio.gather(*pages), 100)
    print(json.dumps(dict(zip(names, got)), ensure_ascii=False), flush=True)


asyncio.run(main(*sys.argv[1:]))
