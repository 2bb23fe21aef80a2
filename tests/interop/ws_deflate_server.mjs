// Echo servers with every combination of compression parameters; prints `port NUMBER NAME` for each, then `ready`.

import { WebSocketServer } from './values.mjs';

let waiting = 0;
for (const serverNoContextTakeover of [undefined, true]) {
  for (const clientNoContextTakeover of [undefined, true]) {
    for (const serverMaxWindowBits of [undefined, 9, 12]) {
      for (const clientMaxWindowBits of [undefined, 9, 12]) {
        const parameters = { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits };
        const server = new WebSocketServer({
          host: '127.0.0.1', port: 0, maxPayload: 0, perMessageDeflate: { ...parameters, threshold: 0 },
        });
        waiting += 1;
        server.on('listening', () => {
          console.log(`port ${server.address().port} ws${JSON.stringify(parameters)}`);
          waiting -= 1;
          if (waiting === 0) console.log('ready');
        });
        server.on('connection', (socket) => {
          socket.on('message', (data, binary) => socket.send(data, { binary }));
          socket.on('error', (error) => console.error(error));
        });
      }
    }
  }
}
process.stdin.on('end', () => process.exit(0)).resume();
