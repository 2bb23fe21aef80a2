"""What the peers send; the same as in values.mjs, browser.html and ../common/conversation.rs."""

import json

MEGABYTES = 16 * 1024 * 1024
PATTERN = "Ж🙂a\x0012345678"  # 16 bytes of UTF-8
TEXTS = ["Привет, мир 🙂", "a\x00b\x00", "", PATTERN * (MEGABYTES // 16)]
BINARIES = [bytes(range(256)), b"", bytes(i * 7 % 256 for i in range(256)) * (MEGABYTES // 256)]
TEXT_FRAGMENTS = ["фраг", "", "менты 🙂", "\x00 и всё"]
BINARY_FRAGMENTS = [b"\x00\x01", b"", b"\xfe\xff"]
CLOSES = [(1000, ""), (1001, "going away"), (3000, "прощай 👋"), (4999, "я" * 61)]

# Nothing here takes long; this only ends a peer that hangs.
DEADLINE = 120


def parse_close(text):
    _, code, reason = text.split(" ", 2)
    return int(code), reason


def closed_line(code, reason):
    return f"closed {code} {json.dumps(reason, ensure_ascii=False)}"


def say(line):
    print(line, flush=True)


def same(what, got, wanted):
    if type(got) is not type(wanted) or got != wanted:
        raise AssertionError(f"{what}: got {shorten(got)}, wanted {shorten(wanted)}")


def shorten(value):
    text = repr(value[:80] if hasattr(value, "__len__") and not isinstance(value, tuple) else value)
    return f"{text} of {len(value)}" if hasattr(value, "__len__") else text
