"""What wsproto makes of conversations: one a line, `role bytes`, in hexadecimal; the answers as JSON, a line each."""

import json
import sys

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import RemoteProtocolError

for line in sys.stdin:
    role, data = line.split(" ")
    connection = Connection(ConnectionType.SERVER if role == "server" else ConnectionType.CLIENT)
    seen, parts = [], []
    try:
        connection.receive_data(bytes.fromhex(data.strip()))
        for event in connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                text = isinstance(event, TextMessage)
                parts.append(event.data.encode() if text else bytes(event.data))
                if event.message_finished:
                    seen.append(["text" if text else "binary", b"".join(parts).hex()])
                    parts = []
            elif isinstance(event, Ping):
                seen.append(["ping", bytes(event.payload).hex()])
            elif isinstance(event, Pong):
                seen.append(["pong", bytes(event.payload).hex()])
            elif isinstance(event, CloseConnection):
                seen.append(["close", str(int(event.code))])
                break
    except RemoteProtocolError:
        seen.append(["close", "1002"])
    print(json.dumps({"seen": seen}), flush=True)
