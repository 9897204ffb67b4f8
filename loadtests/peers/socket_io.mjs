// A room on socket.io: io.emit to everybody, WebSocket only, without compression.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { obey } from './orders.mjs';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 600_000 });
http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(http.address().port));
await obey((message) => io.emit('news', message));
