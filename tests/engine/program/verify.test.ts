import { describe, expect, it } from 'vitest';
import { checkPrograms } from '../../../electron/engine/devices/device.ts';
import { nullDevice } from '../../../electron/engine/devices/null.ts';
import type { Buffer, Call, Program } from '../../../electron/engine/program/types.ts';
import { verify } from '../../../electron/engine/program/verify.ts';
import { gpt2, policies, runPrograms } from './shapes.ts';

const programs = policies.flatMap((policy) => runPrograms(gpt2(2, 4, 64, 32, 97), 2, policy));
const good = programs[0]!;

/** The program with one call changed. */
const withCall = (index: number, change: (call: Call) => Call): Program => ({
  ...good,
  calls: good.calls.map((c, i) => (i === index ? change(c) : c)),
});
const withArgument = (call: Call, name: string, b: Buffer | undefined): Call => ({
  ...call,
  args: { ...call.args, [name]: b },
});
const indexOf = (kind: string) => good.calls.findIndex((c) => c.kind === kind);

describe('the verifier', () => {
  it('accepts every recorded program', () => {
    for (const p of programs) expect(() => verify(p)).not.toThrow();
  });

  it.each([
    ['a missing argument', (c: Call) => withArgument(c, 'w', undefined), /argument w is missing/],
    [
      'a shape that does not fit',
      (c: Call) => withArgument(c, 'w', { ...c.args.w!, shape: [64, 191] }),
      /linear.*\[?191|191.*linear|is 192, not|axis/,
    ],
    ['a wrong number of axes', (c: Call) => withArgument(c, 'w', { ...c.args.w!, shape: [64 * 192] }), /has shape/],
    ['a wrong dtype', (c: Call) => withArgument(c, 'w', { ...c.args.w!, dtype: 'bf16' }), /is bf16, and x is f32/],
    ['an unknown argument', (c: Call) => withArgument(c, 'z', c.args.w), /no argument z/],
    [
      'an output that is an input',
      (c: Call) => withArgument(c, 'residual', c.args.y),
      /used under another name|before it is written/,
    ],
    [
      'a value that nothing wrote',
      (c: Call) => withArgument(c, 'x', { ...c.args.x!, name: 'from nowhere' }),
      /x \(from nowhere\) is read before it is written/,
    ],
    ['an unknown op', (c: Call) => ({ ...c, kind: 'quadratic' }), /no op is declared as quadratic/],
  ])('refuses %s, and names the call', (_what, change, message) => {
    const index = indexOf('linear');
    const broken = withCall(index, change as (c: Call) => Call);
    expect(() => verify(broken)).toThrow(message);
  });

  it('names the index, the op and the place in the model', () => {
    const index = indexOf('linear');
    const broken = withCall(index, (c) => withArgument(c, 'w', undefined));
    expect(() => verify(broken)).toThrow(`firstMicroBatch: call ${index} (linear in h.0): `);
  });

  it('refuses a call without one of its attributes', () => {
    const broken = withCall(indexOf('layerNorm'), (c) => ({ ...c, attrs: {} }));
    expect(() => verify(broken)).toThrow(/attribute eps is missing/);
  });

  it('refuses to add to a transient buffer that nothing wrote', () => {
    const index = indexOf('headCrossEntropyGrad');
    const broken = withCall(index, (c) => ({ ...c, accumulate: new Set(['dx']) }));
    expect(() => verify(broken)).toThrow(/dx .*is read before it is written/);
  });
});

describe('checking programs for a device', () => {
  it('names the first op that the device cannot run, where it is, and why', () => {
    const device = {
      ...nullDevice,
      supports: (call: Call) => (call.kind === 'attention' ? 'heads are too wide' : undefined),
    };
    expect(() => checkPrograms(device, [good])).toThrow("null can't run attention in h.0: heads are too wide");
    expect(() => checkPrograms(nullDevice, [good])).not.toThrow();
  });
});

describe('sizes that devices take at their word', () => {
  const dims = (call: Call, changes: Record<string, number>): Call => ({ ...call, dims: { ...call.dims, ...changes } });
  const attrs = (call: Call, changes: Record<string, number>): Call => ({
    ...call,
    attrs: { ...call.attrs, ...changes },
  });
  const update = programs.find((p) => p.name === 'update')!;
  const inUpdate = (kind: string, change: (call: Call) => Call): Program => ({
    ...update,
    calls: update.calls.map((c) => (c.kind === kind ? change(c) : c)),
  });
  const scratch = (call: Call, shape: readonly number[]) =>
    withArgument(call, 'workspace', { ...call.args.workspace!, shape });

  it.each<[string, Program, RegExp]>([
    ['dimensions', withCall(indexOf('linear'), (c) => dims(c, { rows: 1000 })), /rows is \d+, not 1000/],
    [
      'a workspace that is too small',
      withCall(indexOf('headCrossEntropyGrad'), (c) => scratch(c, [1])),
      /workspace has 1 elements/,
    ],
    [
      'a workspace that is missing',
      withCall(indexOf('headCrossEntropyGrad'), (c) => withArgument(c, 'workspace', undefined)),
      /workspace has 0 elements/,
    ],
    [
      'a vocabulary beyond its rows',
      withCall(indexOf('headCrossEntropyGrad'), (c) => attrs(c, { vocab: 1e6 })),
      /vocab|workspace/,
    ],
    [
      'columns beyond the output',
      withCall(indexOf('linear'), (c) => attrs(c, { zeroTo: 1e6 })),
      /columns .* do not lie in/,
    ],
    ['a place beyond the buffer', inUpdate('squaredSum', (c) => attrs(c, { index: 1e6 })), /index 1000000/],
    [
      'a sum into what is read',
      withCall(indexOf('linear'), (c) => ({ ...c, accumulate: new Set(['x']) })),
      /x can't be added to/,
    ],
  ])('%s', (_, program, message) => {
    expect(() => verify(program)).toThrow(message);
  });
});
