"""The other side of tests/bundle/tls_server.c: makes its certificates, runs it and talks to it by Python's TLS.

Usage: tls_server.py FOLDER VERSION COMMAND…  with VERSION TLSv1.2 or TLSv1.3, the one that it has to speak.
"""

import asyncio
import os
import ssl
import subprocess
import sys

from websockets.asyncio.client import connect

CLIENTS = 50
LIMIT = 120


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def integers(der):
    """The contents of the INTEGERs of a traditional RSA key, a SEQUENCE of nothing else."""

    def length(at):
        size = der[at]
        if size < 128:
            return size, at + 1
        count = size & 127
        return int.from_bytes(der[at + 1 : at + 1 + count], "big"), at + 1 + count

    _, at = length(1)
    found = []
    while at < len(der):
        assert der[at] == 2
        size, at = length(at + 1)
        found.append(der[at : at + size])
        at += size
    return found


def is_full(key):
    """Wine 10 corrupts keys in which a number is shorter than it may be."""
    openssl("rsa", "-in", key, "-traditional", "-outform", "DER", "-out", "key.der")
    with open("key.der", "rb") as file:
        numbers = integers(file.read())
    sizes = [len(number.lstrip(b"\0")) for number in numbers]
    return sizes[1] == sizes[3] == 256 and all(size == 128 for size in sizes[4:9])


# Of its own in each run, since the library leaves such certificates in Wine's store.
AUTHORITY = f"authority {os.getpid()}"


def make_chain():
    """chain.pem and chain.key: a server's certificate, that of its authority and the root."""
    root = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "root.key", "-out", "root.pem"]
    openssl(*root, "-subj", f"/CN=root of {AUTHORITY}")
    above = "root"
    for name, subject, extension in [
        ("sub", AUTHORITY, "basicConstraints=critical,CA:TRUE"),
        ("chain", "localhost", "subjectAltName=DNS:localhost"),
    ]:
        request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr"]
        openssl(*request, "-subj", f"/CN={subject}")
        with open("extension", "w") as file:
            file.write(extension)
        sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", f"{above}.pem", "-CAkey", f"{above}.key"]
        openssl(*sign, "-CAcreateserial", "-days", "2", "-extfile", "extension", "-out", f"{name}.pem")
        above = name
    parts = []
    for name in ["chain", "sub", "root"]:
        with open(f"{name}.pem") as file:
            parts.append(file.read())
    with open("chain.pem", "w") as file:
        file.write("".join(parts))


def make():
    """Self-signed and its own authority: Wine 10 mishandles chains."""
    request = ["req", "-x509", "-days", "2", "-subj", "/CN=localhost"]
    request += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    while True:
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "server.key")
        if is_full("server.key"):
            break
    openssl(*request, "-key", "server.key", "-out", "server.pem")
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "other.key")
    openssl("genpkey", "-algorithm", "ED25519", "-out", "ed25519.key")
    openssl(*request, "-key", "ed25519.key", "-out", "ed25519.pem")
    openssl("rsa", "-in", "server.key", "-traditional", "-out", "pkcs1.key")
    openssl("rsa", "-in", "server.key", "-traditional", "-aes256", "-passout", "pass:тайна", "-out", "aes256.key")
    openssl("pkcs8", "-topk8", "-in", "server.key", "-passout", "pass:пароль", "-out", "locked.key")
    pkcs12 = ["pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key", "-passout", "pass:пароль"]
    openssl(*pkcs12, "-out", "new.p12")
    openssl(*pkcs12, "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-out", "3des.p12")
    openssl(*pkcs12, "-legacy", "-out", "rc2.p12")
    make_chain()
    os.makedirs("ключи", exist_ok=True)
    with open("server.pem") as certificate, open("server.key") as key:
        certificate, key = certificate.read(), key.read()
    for name, text in [
        ("ca.pem", certificate),
        ("both.pem", key + certificate),
        ("ключи/сертификат.pem", certificate),
        ("ключи/ключ.pem", key),
    ]:
        with open(name, "w") as file:
            file.write(text)


async def echoes(connection, data):
    await connection.send(data)
    answer = await asyncio.wait_for(connection.recv(), LIMIT)
    assert answer == data, f"{len(answer)} bytes instead of {len(data)}"


async def talk(port, version, tell):
    context = ssl.create_default_context(cafile="ca.pem")
    url = f"wss://localhost:{port}/"

    async def one():
        connection = await connect(url, ssl=context, max_size=None, open_timeout=LIMIT, ping_interval=None, proxy=None)
        spoken = connection.transport.get_extra_info("ssl_object").version()
        assert spoken == version, f"{spoken} instead of {version}"
        return connection

    before = await asyncio.gather(*[one() for _ in range(CLIENTS)])
    await asyncio.gather(*[echoes(connection, "привет") for connection in before])
    await tell("connected", "reloaded")
    after = await asyncio.gather(*[one() for _ in range(5)])
    await asyncio.gather(*[echoes(connection, os.urandom(100_000)) for connection in before + after])
    await echoes(before[0], os.urandom(8 << 20))
    for connection in after:
        await connection.close()
        assert connection.close_code == 1000
    await tell("done", "tls_server: everything as expected")
    for connection in before:
        await asyncio.wait_for(connection.wait_closed(), LIMIT)
        assert connection.close_code == 1001, connection.close_code


async def main(folder, version, command):
    os.chdir(folder)
    make()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, AUTHORITY, **pipes)

    async def line():
        return (await asyncio.wait_for(process.stdout.readline(), LIMIT)).decode().strip()

    async def tell(word, answer):
        process.stdin.write(f"{word}\n".encode())
        await process.stdin.drain()
        found = await line()
        assert found == answer, found

    try:
        first = await line()
        assert first.startswith("port "), first
        await talk(int(first.removeprefix("port ")), version, tell)
        assert await asyncio.wait_for(process.wait(), LIMIT) == 0
    finally:
        if process.returncode is None:
            process.kill()
    print(f"tls_server: {version}: everything as expected")


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
