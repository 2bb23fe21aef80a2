// Clients with every combination of compression parameters against the echo servers whose URLs are the arguments.

import { WebSocket, DEADLINE, same } from './values.mjs';

const PATTERN = 'Ж🙂a\u000012345678';
const SIZES = [0, 1, 400, 5000, 50000];
const LARGE = [1024 * 1024, 16 * 1024 * 1024];
// What does not compress, and spans more than every window.
let state = 7;
const NOISE = Buffer.from(Array.from({ length: 70000 }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state >>> 24;
}));
const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15];
let turn = 0;
const someBits = () => WINDOWS[turn++ % WINDOWS.length];

async function talk(url, perMessageDeflate, sizes) {
  const socket = new WebSocket(url, { maxPayload: 0, perMessageDeflate: { ...perMessageDeflate, threshold: 0 } });
  const name = JSON.stringify(perMessageDeflate);
  const failed = new Promise((_, reject) => { socket.on('error', reject); });
  const next = (event) => Promise.race([failed, new Promise((resolve) => {
    socket.once(event, (...args) => resolve(args));
  })]);
  await next('open');
  same(`extensions of ${name}`, 'permessage-deflate' in socket._extensions, true);
  const echo = async (value) => {
    socket.send(value);
    const [data, binary] = await next('message');
    same(`echo with ${name}`, binary ? data : data.toString(), value);
  };
  for (const size of sizes) {
    const text = PATTERN.repeat(Math.ceil(size / 16)).slice(0, size * 12 / 16);
    const values = [text, Buffer.from(text)];
    // The second time a context refers to the first.
    for (const value of size < LARGE[0] ? [text, ...values] : values) await echo(value);
  }
  await echo(NOISE);
  socket.close(1000);
  await next('close');
}

setTimeout(() => { console.error('the deadline has passed'); process.exit(1); }, 3 * DEADLINE).unref();
for (const [at, url] of process.argv.slice(2).entries()) {
  // The first two servers differ in context takeover.
  let large = at < 2 ? LARGE : [];
  for (const serverNoContextTakeover of [undefined, true]) {
    for (const clientNoContextTakeover of [undefined, true]) {
      for (const server of [undefined, someBits]) {
        for (const client of [undefined, () => true, someBits, someBits]) {
          await talk(url, {
            serverNoContextTakeover, clientNoContextTakeover,
            serverMaxWindowBits: server?.(), clientMaxWindowBits: client?.(),
          }, [...SIZES, ...large]);
          large = [];
        }
      }
    }
  }
}
console.log('passed');
