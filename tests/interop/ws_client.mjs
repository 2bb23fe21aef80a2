// A client made with Node ws; goes through the conversation that README.md describes.

import {
  WebSocket, TEXTS, BINARIES, TEXT_FRAGMENTS, BINARY_FRAGMENTS, CLOSES, DEADLINE, sendFragments, same,
} from './values.mjs';

const url = process.argv[2];

// A connection whose events can be awaited one after the other; an event of another kind than awaited is an error.
async function open() {
  const socket = new WebSocket(url);
  const events = [];
  let wake = () => {};
  const push = (...event) => { events.push(event); wake(); };
  socket.on('open', () => push('open'));
  socket.on('message', (data, binary) => push('message', binary ? data : data.toString()));
  socket.on('pong', (data) => push('pong', data.toString()));
  socket.on('error', (error) => push('error', error));
  socket.on('close', (code, reason) => push('close', code, reason.toString()));
  const next = async (name) => {
    while (events.length === 0) await new Promise((resolve) => { wake = resolve; });
    const [got, ...args] = events.shift();
    if (got !== name) throw new Error(`wanted ${name}, got ${got} ${args}`);
    return args;
  };
  await next('open');
  return { socket, next };
}

async function talk() {
  let { socket, next } = await open();
  for (const value of [...TEXTS, ...BINARIES]) {
    socket.send(value);
    same('echo', (await next('message'))[0], value);
  }
  sendFragments(socket, TEXT_FRAGMENTS);
  same('pong', (await next('pong'))[0], 'between');
  same('fragmented text', (await next('message'))[0], TEXT_FRAGMENTS.join(''));
  sendFragments(socket, BINARY_FRAGMENTS);
  same('pong', (await next('pong'))[0], 'between');
  same('fragmented binary', (await next('message'))[0], Buffer.concat(BINARY_FRAGMENTS));

  socket.ping('жив?');
  same('pong', (await next('pong'))[0], 'жив?');
  let pings = 0;
  socket.on('ping', () => { pings += 1; });
  socket.send('!ping');
  same("after the server's ping", (await next('message'))[0], 'pong');
  same("the server's pings", pings, 1);
  socket.close(3000, 'конец разговора');
  await next('close');

  for (const [code, reason] of CLOSES) {
    ({ socket, next } = await open());
    // A connection that comes and goes unnoticed leaves no events: let the server answer first.
    socket.send('before the close');
    same('echo', (await next('message'))[0], 'before the close');
    socket.close(code, reason);
    same('close code sent back', (await next('close'))[0], code);
  }
  for (const [code, reason] of CLOSES) {
    ({ socket, next } = await open());
    socket.send(`!close ${code} ${reason}`);
    const [gotCode, gotReason] = await next('close');
    same('close code', gotCode, code);
    same('close reason', gotReason, reason);
  }
}

setTimeout(() => { console.error('the deadline has passed'); process.exit(1); }, DEADLINE).unref();
await talk();
console.log('passed');
