import { checkPrograms, type Device, hostArray } from './device.ts';

/** Verifies and plans like any device and runs nothing: programs of any size can be loaded. */
export const nullDevice: Device = {
  kind: 'null',
  description: 'null: runs nothing',
  overheadBytes: () => 0,
  supports: () => undefined,
  async load(programs, plan) {
    checkPrograms(nullDevice, programs);
    return {
      queues: false,
      write() {},
      read: (buffer, target = hostArray(buffer)) => target,
      fetch: async (buffers) => buffers.map(hostArray),
      async run() {},
      allocatedBytes: () => plan.totalBytes + plan.hostBytes,
      close() {},
    };
  },
};
