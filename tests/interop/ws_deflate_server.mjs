// Echo servers with every combination of compression parameters; prints `port NUMBER NAME` for each, then `ready`.

import { WebSocketServer } from './values.mjs';

const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15];
let turn = 0;
const someBits = () => WINDOWS[turn++ % WINDOWS.length];
let waiting = 0;
for (const serverNoContextTakeover of [undefined, true]) {
  for (const clientNoContextTakeover of [undefined, true]) {
    for (const server of [undefined, someBits]) {
      for (const client of [undefined, someBits, someBits]) {
        const parameters = {
          serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits: server?.(), clientMaxWindowBits: client?.(),
        };
        const echo = new WebSocketServer({
          host: '127.0.0.1', port: 0, maxPayload: 0, perMessageDeflate: { ...parameters, threshold: 0 },
        });
        waiting += 1;
        echo.on('listening', () => {
          console.log(`port ${echo.address().port} ws${JSON.stringify(parameters)}`);
          waiting -= 1;
          if (waiting === 0) console.log('ready');
        });
        echo.on('connection', (socket) => {
          socket.on('message', (data, binary) => socket.send(data, { binary }));
          socket.on('error', (error) => console.error(error));
        });
      }
    }
  }
}
process.stdin.on('end', () => process.exit(0)).resume();
