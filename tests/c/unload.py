"""Loads the library into Python, whose own OpenSSL is at work, and unloads it, again and again.

Usage: unload.py <library> <rounds> <certificate> <key>
"""

import _ctypes
import asyncio
import ctypes
import gc
import os
import ssl
import sys
import threading

OK, LONG = 0, 30_000


class Handle(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint64)]


class Library:
    """The functions of one load, each checked."""

    def __init__(self, path):
        self.dll = ctypes.CDLL(path)
        self.dll.wsaddin_error_description.restype = ctypes.c_char_p
        self.dll.wsaddin_message_size.restype = ctypes.c_size_t
        self.dll.wsaddin_message_connection.restype = ctypes.c_uint64

    def call(self, name, *arguments):
        result = getattr(self.dll, name)(*arguments)
        assert result == OK, (name, result, self.dll.wsaddin_error_description())

    def unload(self):
        handle, self.dll = self.dll._handle, None
        gc.collect()
        _ctypes.dlclose(handle)


def text(value):
    data = value.encode()
    return ctypes.c_char_p(data), ctypes.c_size_t(len(data))


def left():
    with open("/proc/self/maps") as maps:
        mapped = "libwebsocket_addin" in maps.read()
    return mapped, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


async def by_python(port, certificate):
    """A handshake by Python's own OpenSSL with the library's server, beside the library's."""
    context = ssl.create_default_context(cafile=certificate)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONG)
    assert head.startswith(b"HTTP/1.1 101"), head
    writer.transport.abort()


def one_round(path, certificate, key):
    library = Library(path)
    server, client, port = Handle(), Handle(), ctypes.c_int64()
    call = library.call
    call("wsaddin_server_new", ctypes.byref(server))
    call("wsaddin_server_run_tls", server, *text("127.0.0.1"), ctypes.c_int64(0), *text(certificate), *text(key), None,
         ctypes.c_size_t(0))
    call("wsaddin_server_get_port", server, ctypes.byref(port))
    asyncio.run(by_python(port.value, certificate))
    call("wsaddin_client_new", ctypes.byref(client))
    call("wsaddin_client_set_ca_file", client, *text(certificate))
    call("wsaddin_client_set_connect_timeout", client, ctypes.c_int64(4 * LONG))
    call("wsaddin_client_connect", client, *text(f"wss://localhost:{port.value}/"))
    message = ctypes.c_void_p()
    for _ in range(10):
        call("wsaddin_client_send_text", client, *text("there and back"))
        call("wsaddin_server_receive", server, ctypes.c_int64(LONG), ctypes.byref(message))
        connection = library.dll.wsaddin_message_connection(message)
        library.dll.wsaddin_message_free(message)
        call("wsaddin_server_send_text", server, ctypes.c_uint64(connection), *text("there and back"))
        call("wsaddin_client_receive", client, ctypes.c_int64(LONG), ctypes.byref(message))
        assert library.dll.wsaddin_message_size(message) == 14
        library.dll.wsaddin_message_free(message)
    # The connection is open when both go.
    call("wsaddin_client_free", client)
    call("wsaddin_server_free", server)
    library.unload()


def main():
    path, rounds, certificate, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    # What Python opens once, it has opened before.
    asyncio.run(asyncio.sleep(0))
    before = left()
    assert not before[0]
    for number in range(1, rounds + 1):
        one_round(path, certificate, key)
        # The kernel shows a joined thread for a moment more.
        for _ in range(1000):
            after = left()
            if after == before:
                break
            threading.Event().wait(0.001)
        print(f"round {number}: {after}", flush=True)
        assert after == before, (after, before)
    print("unload.py: everything as before")


main()
