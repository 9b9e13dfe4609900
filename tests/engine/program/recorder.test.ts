import { describe, expect, it } from 'vitest';
import { dropout, head, layerNorm, linear } from '../../../electron/engine/ops/index.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import { type Buffer, isTransient, type Program, type Role } from '../../../electron/engine/program/types.ts';
import { gpt2, policies, runPrograms } from './shapes.ts';

const buffer = (name: string, shape: number[], role: Role = 'parameter'): Buffer => ({
  name,
  shape,
  dtype: 'f32',
  role,
});
const tiny = gpt2(2, 4, 64, 32, 97);
const kinds = (p: Program, phase?: string) => p.calls.filter((c) => !phase || c.pass === phase).map((c) => c.kind);

describe('the recorder', () => {
  it('plays the tape backwards: each call has its mirror image', () => {
    const [first] = runPrograms(tiny, 1, 'none');
    const mirrored: Record<string, string[]> = {
      embed: ['embedBackward'],
      layerNorm: ['layerNormBackward'],
      attention: ['attentionBackward'],
      linear: ['linearBackwardInput', 'linearBackwardWeight'],
      linearGeluTanh: ['linearBackwardInput', 'linearBackwardWeight'],
    };
    const forward = kinds(first!, 'forward').filter((k) => k in mirrored);
    const backward = kinds(first!, 'backward').map((k) => k.replace(/GeluTanh$/, ''));
    expect(backward).toEqual(forward.reverse().flatMap((k) => mirrored[k]!));
  });

  it('gives every parameter exactly one gradient that is not added to, in the first micro-batch', () => {
    const [first, further] = runPrograms(tiny, 1, 'none');
    const written = (p: Program) => {
      const counts = new Map<string, number>();
      for (const c of p.calls) {
        for (const [name, b] of Object.entries(c.args)) {
          if (b?.role === 'gradient' && !c.accumulate.has(name)) counts.set(b.name, (counts.get(b.name) ?? 0) + 1);
        }
      }
      return counts;
    };
    const gradients = new Set(first!.calls.flatMap((c) => Object.values(c.args)).filter((b) => b?.role === 'gradient'));
    expect(gradients.size).toBe(2 + 2 * 12 + 2);
    expect([...written(first!).values()]).toEqual(Array.from(gradients, () => 1));
    expect(written(further!).size).toBe(0);
  });

  it('computes a recomputed part again just before its backward calls, without what nobody reads', () => {
    const [none, attention, block] = policies.map((policy) => runPrograms(tiny, 1, policy)[0]!);
    expect(kinds(none!, 'recompute')).toEqual([]);
    // the projection back into the residual stream is not needed for its own gradient
    expect(kinds(attention!, 'recompute')).toEqual([
      'layerNorm',
      'linear',
      'attention',
      'layerNorm',
      'linear',
      'attention',
    ]);
    const one = ['layerNorm', 'linear', 'attention', 'linear', 'layerNorm', 'linearGeluTanh'];
    expect(kinds(block!, 'recompute')).toEqual([...one, ...one]);
    for (const p of [attention!, block!]) expect(kinds(p, 'backward')).toEqual(kinds(none!, 'backward'));
  });

  it('gives recomputed calls the random streams of the first time', () => {
    const [p] = runPrograms({ ...tiny, dropout: 0.1 }, 1, 'block');
    const streams = (phase: string) =>
      p!.calls.filter((c) => c.pass === phase && c.kind === 'attention').map((c) => c.attrs.stream);
    expect(streams('recompute')).toEqual(streams('forward').reverse());
    expect(new Set(streams('forward')).size).toBe(2);
  });

  it('draws from a stream of its own at every place', () => {
    const [p] = runPrograms({ ...tiny, dropout: 0.1 }, 1, 'none');
    const forward = p!.calls.filter((c) => c.pass === 'forward' && 'stream' in c.attrs).map((c) => c.attrs.stream);
    expect(new Set(forward).size).toBe(forward.length);
    expect(forward.length).toBe(1 + 2 * 3);
  });

  it('records no dropout where its probability is 0', () => {
    for (const p of runPrograms(tiny, 1, 'none')) expect(kinds(p)).not.toContain('dropout');
    const [, , , evaluate, decode] = runPrograms({ ...tiny, dropout: 0.5 }, 1, 'none');
    for (const p of [evaluate!, decode!]) expect(kinds(p)).not.toContain('dropout');
  });

  it('adds up the gradients of a tensor with two uses', () => {
    const [x, w1, w2] = [buffer('x', [3, 4]), buffer('w1', [4, 5]), buffer('w2', [4, 5])];
    const r = new Recorder({ training: true, gradientOf: (p) => buffer(`d(${p.name})`, [...p.shape], 'gradient') });
    const [h, a, b] = [r.transient('h', [3, 4]), r.transient('a', [3, 5]), r.transient('b', [3, 5])];
    r.emit(linear, { x, w: buffer('w0', [4, 4]), y: h });
    r.emit(linear, { x: h, w: w1, y: a });
    r.emit(linear, { x: h, w: w2, y: b });
    for (const y of [a, b]) r.share(y, buffer(`d(${y.name})`, [3, 5], 'input'));
    r.backward();
    const into = r.program('two uses').calls.filter((c) => c.args.dx?.name === 'd(h)');
    expect(into.map((c) => c.accumulate.has('dx'))).toEqual([false, true]);
  });

  it('names a buffer that is recorded twice differently', () => {
    const r = new Recorder();
    const names = r.scope('h.0', () => [r.transient('x', [1]), r.transient('x', [1])].map((b) => b.name));
    expect(names).toEqual(['h.0.x', 'h.0.x#2']);
  });

  it('drops calls that write only what nothing reads', () => {
    const r = new Recorder();
    const y = r.transient('unread', [3, 4]);
    const logits = buffer('logits', [3, 9], 'output');
    r.emit(linear, { x: buffer('x', [3, 4]), w: buffer('w', [4, 4]), y });
    r.emit(head, { x: buffer('x', [3, 4]), wte: buffer('wte', [64, 4]), logits });
    expect(kinds(r.program('p'))).toEqual(['head']);
  });

  it('refuses what does not fit where it is recorded, by name', () => {
    const r = new Recorder();
    const y = r.transient('y', [3, 4]);
    const x = buffer('x', [3, 4]);
    expect(() => r.emit(linear, { x, w: buffer('w', [5, 4]), y })).toThrow(/linear: .*\(w\).* is 5, not in = 4/);
    expect(() => r.emit(layerNorm, { x, y })).toThrow(/layerNorm: argument gamma is missing/);
    expect(() => r.of(y)).toThrow(/nothing takes the gradient of y/);
  });

  it('takes the gradient of dropout by dropping the same elements', () => {
    const rng: Buffer = { name: 'rng', shape: [4], dtype: 'i32', role: 'input' };
    const r = new Recorder({ training: true });
    const [x, y] = [r.transient('x', [2, 3]), r.transient('y', [2, 3])];
    r.emit(dropout, { x, rng, y }, { dropout: 0.3, stream: 8 });
    const dy = buffer('dy', [2, 3], 'output');
    r.share(y, dy);
    r.backward();
    const dx = r.of(x);
    expect(isTransient(dx)).toBe(true);
    // nothing reads dx here, so the program is asked for with a reader
    r.emit(linear, { x: dx, w: buffer('w', [3, 1]), y: buffer('out', [2, 1], 'output') });
    const back = r.program('p').calls.find((c) => c.pass === 'backward' && c.kind === 'dropout')!;
    expect(back.args.x).toBe(dy);
    expect(back.attrs).toEqual({ dropout: 0.3, stream: 8 });
  });
});
