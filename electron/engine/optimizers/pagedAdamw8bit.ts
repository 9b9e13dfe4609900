import { countsOf, defineOp, read, write } from '../program/declare.ts';
import type { Recorder } from '../program/recorder.ts';
import { adamwFamily } from './adamw.ts';
import { type Bits8Buffers, type Bits8States, bits8OrFloat32, bits8Parts, blocksOf, recordBits8 } from './adamw8bit.ts';
import { defineOptimizer, type ParameterStates, type UpdateInputs } from './optimizer.ts';

const moments = (access: typeof read, name: (part: string) => string) => ({
  [name('MCodes')]: access('elements', 'u8'),
  [name('MScale')]: access('blocks'),
  [name('VCodes')]: access('elements', 'u8'),
  [name('VScale')]: access('blocks'),
});
const onHost = (part: string) => `host${part}`;
const inWindow = (part: string) => `${part[0]!.toLowerCase()}${part.slice(1)}`;

/** Brings the 8-bit moments of one parameter from host memory into a window of the device. */
export const pageIn = defineOp({
  kind: 'pageIn',
  formula: 'window = host',
  args: { ...moments(read, onHost), ...moments(write, inWindow) },
  attrs: [],
  check: (d) => countsOf({ blocks: [d.blocks!, blocksOf(d.elements!)] }),
  multipliesMatrices: false,
  flops: () => 0,
});

/** Takes a window's moments back to host memory. */
export const pageOut = defineOp({
  kind: 'pageOut',
  formula: 'host = window',
  args: { ...moments(write, onHost), ...moments(read, inWindow) },
  attrs: [],
  check: (d) => countsOf({ blocks: [d.blocks!, blocksOf(d.elements!)] }),
  multipliesMatrices: false,
  flops: () => 0,
});

/**
 * Updates of parameters whose moments are kept in host memory: they come to a window of the device, are updated there
 * and go back. The next parameter's come while this one is updated, so that a device can overlap the two.
 */
function recordPaged(r: Recorder, all: readonly Bits8States[], inputs: UpdateInputs): void {
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

const isPaged = (states: Bits8States | ParameterStates): states is Bits8States => 'buffers' in states;

export const pagedAdamw8bit = defineOptimizer({
  ...adamwFamily,
  kind: 'pagedAdamw8bit',
  label: 'AdamW 8-bit (paged)',
  keptIn: '8 bits paged to the host',
  compactness: 3,
  lowBit: true,
  states(parameters, lowBit) {
    const all = bits8OrFloat32(parameters, lowBit, 'paged');
    return {
      all,
      record(r, inputs) {
        for (const states of all) if (!isPaged(states)) states.record(r, inputs);
        recordPaged(r, all.filter(isPaged), inputs);
      },
    };
  },
});
