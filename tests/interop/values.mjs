// What the peers send; the same as in values.py, browser.html and ../common/conversation.rs.

import { createRequire } from 'node:module';

// tests/run installs the packages into the build directory, away from these files.
export const { WebSocket, WebSocketServer } = createRequire(process.env.WSADDIN_NODE_DIR + '/package.json')('ws');

const SIZE = 16 * 1024 * 1024;
export const PATTERN = 'Ж🙂a\u000012345678'; // 16 bytes of UTF-8
export const TEXTS = ['Привет, мир 🙂', 'a\u0000b\u0000', '', PATTERN.repeat(SIZE / 16)];
export const BINARIES = [
  Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  Buffer.alloc(0),
  Buffer.alloc(SIZE, Buffer.from(Array.from({ length: 256 }, (_, i) => (i * 7) % 256))),
];
export const TEXT_FRAGMENTS = ['фраг', '', 'менты 🙂', '\u0000 и всё'];
export const BINARY_FRAGMENTS = [Buffer.from([0, 1]), Buffer.alloc(0), Buffer.from([0xfe, 0xff])];
export const CLOSES = [[1000, ''], [1001, 'going away'], [3000, 'прощай 👋'], [4999, 'я'.repeat(61)]];

// Nothing here takes long; this only ends a peer that hangs.
export const DEADLINE = 120_000;

export function sendFragments(socket, fragments) {
  fragments.forEach((fragment, index) => {
    socket.send(fragment, { fin: index === fragments.length - 1, compress: false });
    if (index === 0) socket.ping('between');
  });
}

export function same(what, got, wanted) {
  const equal = Buffer.isBuffer(wanted) ? Buffer.isBuffer(got) && got.equals(wanted) : got === wanted;
  if (!equal) throw new Error(`${what}: got ${shorten(got)}, wanted ${shorten(wanted)}`);
}

function shorten(value) {
  const text = Buffer.isBuffer(value) ? value.subarray(0, 40).toString('hex') : JSON.stringify(value)?.slice(0, 80);
  return `${text} of ${value?.length}`;
}
