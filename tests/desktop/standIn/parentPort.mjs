// What a utility process of Electron's finds in `process.parentPort`, over the channel of Node's `fork`.
process.parentPort = {
  postMessage: (message) => void process.send(message),
  on: (_event, listener) => void process.on('message', (data) => listener({ data })),
};
