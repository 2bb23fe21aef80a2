// A server made with Node ws; README.md tells what it answers.

import { createServer } from 'node:http';

import { WebSocketServer, TEXT_FRAGMENTS, BINARY_FRAGMENTS, sendFragments } from './values.mjs';

const [, , path] = process.argv;
const http = createServer();
const server = new WebSocketServer({ server: http });
const told = () => (path ? `path ${path}` : `port ${http.address().port}`);
http.listen(path ? { path } : { host: '127.0.0.1', port: 0 }, () => console.log(told()));
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => {
    const text = binary ? '' : data.toString();
    if (text === '!fragments') {
      sendFragments(socket, TEXT_FRAGMENTS);
      sendFragments(socket, BINARY_FRAGMENTS);
    } else if (text === '!ping') {
      socket.ping('are you there');
    } else if (text.startsWith('!close ')) {
      const [, code, reason] = text.match(/^!close (\d+) (.*)$/s);
      socket.close(Number(code), reason);
    } else {
      socket.send(data, { binary });
    }
  });
  socket.on('pong', (data) => {
    if (data.toString() === 'are you there') socket.send('pong');
  });
  socket.on('error', (error) => console.error(error));
  socket.on('close', (code, reason) => console.log(`closed ${code} ${JSON.stringify(reason.toString())}`));
});
process.stdin.on('end', () => process.exit(0)).resume();
