import { type Device, hostArray, type Session } from '../../../electron/engine/devices/device.ts';
import type { Program } from '../../../electron/engine/program/types.ts';

export interface Queueing {
  readonly device: Device;
  /** Programs in the order in which they were started, and `result` where a fetch had come back. */
  readonly log: string[];
}

/** A device that does one thing behind another while it is told more, as a GPU does. */
export function queueing(inner: Device): Queueing {
  const log: string[] = [];
  const wrap = (session: Session): Session => {
    let last: Promise<unknown> = Promise.resolve();
    let waiting = 0;
    const queue = async <T>(work: () => T | Promise<T>): Promise<T> => {
      waiting++;
      const done = last.then(work);
      last = done.catch(() => {});
      try {
        return await done;
      } finally {
        waiting--;
      }
    };
    const requireIdle = (): void => {
      if (waiting > 0) throw new Error('a program is running');
    };
    return {
      queues: true,
      write(buffer, data) {
        const own = data.slice();
        void queue(() => session.write(buffer, own));
      },
      read(buffer, target = hostArray(buffer)) {
        requireIdle();
        return session.read(buffer, target);
      },
      async fetch(buffers) {
        const values = await queue(() => session.fetch(buffers));
        log.push('result');
        return values;
      },
      run(program: Program, times?: Float64Array) {
        log.push(program.name);
        return queue(() => session.run(program, times));
      },
      allocatedBytes: () => session.allocatedBytes(),
      close() {
        requireIdle();
        session.close();
      },
    };
  };
  return { device: { ...inner, load: async (programs, plan) => wrap(await inner.load(programs, plan)) }, log };
}
