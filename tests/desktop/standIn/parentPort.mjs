// What a utility process of Electron's finds in `process.parentPort`, and ports that are handed to it, over the channel of Node's `fork`.
import { EventEmitter } from 'node:events';

const ports = new Map();

function portOf(id) {
  const port = Object.assign(new EventEmitter(), {
    postMessage: (data) => void process.send({ port: id, data }),
    start() {},
    close: () => void process.send({ closed: id }),
  });
  ports.set(id, port);
  return port;
}

const parent = new EventEmitter();
// As in Electron, what is said before anyone listens waits.
parent.once('newListener', () =>
  process.nextTick(() =>
    process.on('message', (message) => {
      if (message.port !== undefined) ports.get(message.port).emit('message', { data: message.data });
      else if (message.closed !== undefined) ports.get(message.closed).emit('close');
      else parent.emit('message', { data: message.data, ports: message.ports.map(portOf) });
    }),
  ),
);
process.on('disconnect', () => process.exit(1)); // with its application
process.parentPort = Object.assign(parent, { postMessage: (data) => void process.send({ data }) });
