"""A WebSocket server under TLS that demands a client certificate: CHAIN KEY CA VERSION.

It answers "who" with the client's name, "name" with the name that the client asked for, "version" with TLS's version.
"""

import ssl
import sys
import threading

from websockets.sync.server import serve

chain, key, ca, version = sys.argv[1:]
asked = {}


def asked_for(connection, name, _context):
    asked["name"] = name or ""


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)
context.sni_callback = asked_for
wanted = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
context.minimum_version = context.maximum_version = wanted[version]
context.verify_mode = ssl.CERT_REQUIRED
context.load_verify_locations(ca)


def talk(connection):
    about = connection.socket
    for message in connection:
        if message == "who":
            subject = about.getpeercert()["subject"]
            connection.send(dict(pair for part in subject for pair in part)["commonName"])
        elif message == "name":
            connection.send(asked.get("name", ""))
        elif message == "version":
            connection.send(about.version())


with serve(talk, "127.0.0.1", 0, ssl=context) as server:
    print("port", server.socket.getsockname()[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
