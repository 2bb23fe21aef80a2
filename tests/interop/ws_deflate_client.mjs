// Clients with every combination of compression parameters against the echo servers whose URLs are the arguments.

import { WebSocket, DEADLINE, same } from './values.mjs';

const PATTERN = 'Ж🙂a\u000012345678';
const SIZES = [0, 1, 400, 5000, 50000];
const LARGE = 16 * 1024 * 1024;

async function talk(url, perMessageDeflate, sizes) {
  const socket = new WebSocket(url, { maxPayload: 0, perMessageDeflate: { ...perMessageDeflate, threshold: 0 } });
  const name = JSON.stringify(perMessageDeflate);
  const failed = new Promise((_, reject) => { socket.on('error', reject); });
  const next = (event) => Promise.race([failed, new Promise((resolve) => {
    socket.once(event, (...args) => resolve(args));
  })]);
  await next('open');
  same(`extensions of ${name}`, 'permessage-deflate' in socket._extensions, true);
  for (const size of sizes) {
    const text = PATTERN.repeat(Math.ceil(size / 16)).slice(0, size * 12 / 16);
    for (const value of [text, text, Buffer.from(text)]) {
      socket.send(value);
      const [data, binary] = await next('message');
      same(`echo with ${name}`, binary ? data : data.toString(), value);
    }
  }
  socket.close(1000);
  await next('close');
}

setTimeout(() => { console.error('the deadline has passed'); process.exit(1); }, DEADLINE).unref();
let large = [LARGE];
for (const url of process.argv.slice(2)) {
  for (const serverNoContextTakeover of [undefined, true]) {
    for (const clientNoContextTakeover of [undefined, true]) {
      for (const serverMaxWindowBits of [undefined, 9, 12]) {
        for (const clientMaxWindowBits of [undefined, 9, 12]) {
          await talk(url, {
            serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits,
          }, [...SIZES, ...large]);
          large = [];
        }
      }
    }
  }
}
console.log('passed');
