// A server made with Node ws that refuses one path; README.md tells how.

import { WebSocketServer } from './values.mjs';

const verifyClient = ({ req }, decide) => {
  if (req.url === '/refused') decide(false, 401, 'нужен токен', { 'X-Why': 'token' });
  else decide(true);
};
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, verifyClient });
server.on('listening', () => console.log(`port ${server.address().port}`));
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
process.stdin.on('end', () => process.exit(0)).resume();
