import { pageIn, pageOut } from '../program/ops/index.ts';
import type { Recorder } from '../program/recorder.ts';
import { type Bits8Buffers, type Bits8States, bits8Parts, recordBits8 } from './bits8.ts';
import type { UpdateInputs } from './states.ts';

/**
 * Updates of parameters whose moments are kept in host memory: they come to a window of the device, are updated there
 * and go back. The next parameter's come while this one is updated, so that a device can overlap the two.
 */
export function recordPaged(r: Recorder, all: readonly Bits8States[], inputs: UpdateInputs): void {
  const windows: Bits8Buffers[] = [];
  const fetch = (i: number) => {
    const { buffers } = all[i]!;
    const window = Object.fromEntries(
      bits8Parts.map((part) => {
        const { name, shape, dtype } = buffers[part];
        return [part, r.transient(`window.${name}`, shape, 'workspace', dtype)];
      }),
    ) as Bits8Buffers;
    windows.push(window);
    r.emit(pageIn, prefixed(buffers, window));
  };
  for (const [i, states] of all.entries()) {
    if (i === 0) fetch(0);
    if (i + 1 < all.length) fetch(i + 1);
    recordBits8(r, states, windows[i]!, inputs);
    r.emit(pageOut, prefixed(states.buffers, windows[i]!));
  }
}

/** Arguments of a page call: `host…` are the states, `…` the window. */
function prefixed(host: Bits8Buffers, window: Bits8Buffers): Record<string, Bits8Buffers['mCodes']> {
  const hosts = bits8Parts.map((part) => [`host${part[0]!.toUpperCase()}${part.slice(1)}`, host[part]]);
  return { ...Object.fromEntries(hosts), ...window };
}
