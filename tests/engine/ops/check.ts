import { expect } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { opOf } from '../../../electron/engine/program/declare.ts';
import { eps32, expectClose, sameBits } from '../compare.ts';
import { type OneCall, programOf, run, type Values } from './oneCall.ts';
import type { OpCase } from './table.ts';

/**
 * What two float32 sums of `terms` random terms may differ by, relative to the sum's usual size: rounding errors, half
 * an epsilon each on either side, add up as a random walk does, and 4 epsilons besides for what is not a sum.
 */
export const tolerance = (terms: number): number => eps32 * (4 + Math.sqrt(terms));

/** Two neighbors in half precision lie this far apart, relative to their size. */
const halfStep = { f32: 0, bf16: 2 ** -7, f16: 2 ** -10 } as const;

/** Expects results to be those of the reference, within rounding. */
export function expectResults(c: OpCase, one: OneCall, actual: Values, expected: Values): void {
  const terms = c.terms(one.dims, one.attrs);
  const size = c.size?.(one.dims, one.attrs) ?? Math.sqrt(terms);
  for (const [name, values] of Object.entries(expected)) {
    const what = `${one.kind} ${name} ${JSON.stringify({ ...one, values: undefined })}`;
    if (values instanceof Uint8Array) {
      expectCodes(actual[name]!, values, c.codeBits ?? 8, what);
      continue;
    }
    const old = one.values[name];
    const isRounded = opOf(c.kind).args[name]!.dtype === 'real' || c.roundsInside === true;
    const step = isRounded ? halfStep[one.precision ?? 'f32'] : 0;
    const [a, b] = old ? withoutUntouchedNaN(actual[name]!, values, old) : [actual[name]!, values];
    expectClose(a, b, step + tolerance(terms), what, size);
  }
}

/** Expects the same codes, but for one in a thousand (one at least) that lies beside its neighbor's border. */
function expectCodes(actual: ArrayLike<number>, expected: ArrayLike<number>, bits: 4 | 8, what: string): void {
  const parts = (x: ArrayLike<number>) =>
    Array.from(x).flatMap((byte) => (bits === 8 ? [byte] : [byte & 15, byte >> 4]));
  const [a, b] = [parts(actual), parts(expected)];
  expect(a.length, what).toBe(b.length);
  const off = a.map((code, i) => Math.abs(code - b[i]!)).filter((d) => d > 0);
  expect(Math.max(0, ...off), what).toBeLessThanOrEqual(1);
  expect(off.length, what).toBeLessThanOrEqual(Math.max(1, a.length / 1000));
}

/** Zeroes what was NaN before the call and still is on both sides: the free part of a cache. */
function withoutUntouchedNaN(actual: ArrayLike<number>, expected: ArrayLike<number>, old: ArrayLike<number>) {
  const untouched = (i: number) => Number.isNaN(old[i]) && Number.isNaN(actual[i]) && Number.isNaN(expected[i]);
  return [actual, expected].map((values) => Array.from(values, (x, i) => (untouched(i) ? 0 : x))) as [
    number[],
    number[],
  ];
}

export function expectSameBits(one: OneCall, actual: Values, expected: Values): void {
  for (const name of Object.keys(expected)) {
    if (!sameBits(actual[name]!, expected[name]!)) expect.fail(`${one.kind}: the bits of ${name} differ`);
  }
}

/** Runs a call on devices that must agree to the bit, and compares the first with the reference. */
export async function check(c: OpCase, one: OneCall, devices: readonly Device[], reference: Device): Promise<void> {
  expect(devices[0]!.supports(programOf(one).calls[0]!)).toBeUndefined();
  const expected = await run(reference, one);
  const first = await run(devices[0]!, one);
  expectResults(c, one, first, expected);
  for (const device of devices.slice(1)) expectSameBits(one, await run(device, one), first);
}
