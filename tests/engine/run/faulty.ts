import type { Device, HostArray, Session } from '../../../electron/engine/devices/device.ts';
import type { Buffer, Program } from '../../../electron/engine/program/types.ts';

export type Fault = 'nan' | 'spike' | undefined;

/** A device on which the n-th update (from 1) gets a gradient that is no number, or the loss of its step is a spike. */
export function faulty(device: Device, faultOf: (update: number) => Fault): Device {
  let updates = 0;
  const wrap = (session: Session): Session => ({
    queues: session.queues,
    write: (buffer, data) => session.write(buffer, data),
    allocatedBytes: () => session.allocatedBytes(),
    close: () => session.close(),
    async run(program: Program, times?: Float64Array) {
      if (program.name === 'update') {
        updates++;
        const gradient = program.calls.find((c) => c.kind === 'squaredSum')!.args.g!;
        if (faultOf(updates) === 'nan') {
          const values = session.read(gradient) as Float32Array;
          values[0] = Number.NaN;
          session.write(gradient, values);
        }
      }
      await session.run(program, times);
    },
    read: (buffer: Buffer, target?: HostArray) => session.read(buffer, target),
    async fetch(buffers: readonly Buffer[]) {
      const values = await session.fetch(buffers);
      for (const [i, { name }] of buffers.entries())
        if (name === 'lossTotal' && faultOf(updates) === 'spike') values[i]![0]! *= 10;
      return values;
    },
  });
  return { ...device, load: async (programs, plan) => wrap(await device.load(programs, plan)) };
}
