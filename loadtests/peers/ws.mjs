// A room on ws: its own README's broadcast, without compression.
import { WebSocket, WebSocketServer } from 'ws';
import { obey } from './orders.mjs';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096 });
server.on('listening', () => console.log(server.address().port));
await obey((message) => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message);
  }
});
