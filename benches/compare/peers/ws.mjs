// An echo server on the `ws` package.
import { createRequire } from "node:module";
const { WebSocketServer } = createRequire(process.argv[2] + "/")("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket._socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
