import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  align,
  alignment,
  arenaNames,
  type Lifetime,
  lifetimes,
  liveBytes,
  type Plan,
  packByLifetime,
  packInCallOrder,
  plan,
} from '../../../electron/engine/program/planner.ts';
import {
  type Buffer,
  bytesPerElement,
  isTransient,
  type Program,
  persistentRoles,
} from '../../../electron/engine/program/types.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { gpt2, policies, runPrograms } from './shapes.ts';

interface Range {
  readonly buffer: Buffer;
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly last: number;
}

const usesCache = (p: Program) => p.calls.some((c) => Object.values(c.args).some((b) => b?.role === 'cache'));
const sharesArena = (b: Buffer): boolean => isTransient(b) || b.role === 'cache';

/** Lifetimes and sizes derived from the calls alone, with none of the planner's own functions. */
function ranges(program: Program, p: Plan): Range[] {
  const touched = new Map<Buffer, number[]>();
  program.calls.forEach((call, i) => {
    for (const b of Object.values(call.args)) if (b) touched.set(b, [...(touched.get(b) ?? []).slice(0, 1), i]);
  });
  return [...touched].map(([buffer, at]) => {
    const { arena, offset } = p.placements.get(buffer)!;
    expect(arena, buffer.name).toBe(sharesArena(buffer) ? 'activation' : buffer.role);
    const bytes = buffer.shape.reduce((n, d) => n * d, 1) * bytesPerElement[buffer.dtype];
    const persists = !isTransient(buffer);
    const [first, last] = persists ? [0, program.calls.length] : [at[0]!, at.at(-1)!];
    return { buffer, from: offset, to: offset + bytes, first, last };
  });
}

/** Expects that no two buffers of one arena share a byte while both live, and that all lie inside of their arenas. */
function expectNoOverlap(program: Program, p: Plan): void {
  const all = ranges(program, p);
  for (const arena of arenaNames) {
    const here = all.filter((r) => p.placements.get(r.buffer)!.arena === arena).sort((a, b) => a.from - b.from);
    here.forEach((a, i) => {
      if (a.from % 256 !== 0 || a.to > p.arenaBytes[arena]) expect.fail(`${a.buffer.name} lies outside or unaligned`);
      for (let j = i + 1; j < here.length && here[j]!.from < a.to; j++) {
        const b = here[j]!;
        if (a.first <= b.last && b.first <= a.last) expect.fail(`${a.buffer.name} and ${b.buffer.name} overlap`);
      }
    });
  }
}

/** The largest sum of bytes of transient buffers and caches alive during one call, counted call by call. */
function bound(program: Program, p: Plan): number {
  const all = ranges(program, p).filter((r) => sharesArena(r.buffer));
  const live = program.calls.map((_, i) =>
    all.filter((r) => r.first <= i && i <= r.last).reduce((n, r) => n + Math.ceil((r.to - r.from) / 256) * 256, 0),
  );
  return Math.max(0, ...live);
}

const shapes = [
  gpt2(2, 4, 64, 32, 97),
  gpt2(3, 5, 40, 40, 61),
  gpt2(6, 6, 384, 256, 257),
  gpt2(12, 12, 768, 1024),
  gpt2(24, 16, 1024, 1024),
];
const batches = [1, 3, 4, 12];

describe('the plan of a GPT-2', () => {
  const cases = shapes.flatMap((c) => batches.flatMap((batch) => policies.map((policy) => ({ c, batch, policy }))));
  it('is tried at 60 shapes', () => expect(cases.length).toBe(60));

  it.each(cases)('$c.nLayer × $c.nEmbd × $c.contextLength, batch $batch, recompute $policy', ({ c, batch, policy }) => {
    const programs = runPrograms(c, batch, policy);
    const p = plan(programs);
    for (const program of programs) expectNoOverlap(program, p);
    const min = Math.max(...programs.map((program) => bound(program, p)));
    expect(p.lowerBound).toBe(min);
    expect(p.arenaBytes.activation).toBe(min); // as small as any packing can be
    expect(p.totalBytes).toBe(arenaNames.reduce((n, a) => n + p.arenaBytes[a], 0));
    expect(p.totalBytes).toBe(Object.values(p.roleBytes).reduce((a, b) => a + b, 0));
    expect(p.peak!.cacheBytes + p.peak!.activationBytes + p.peak!.workspaceBytes).toBe(min);
  });

  it('is the same every time', () => {
    const offsets = () => {
      const programs = runPrograms(shapes[0]!, 2, 'block');
      return [...plan(programs).placements].map(([b, at]) => `${b.name} ${at.arena} ${at.offset}`);
    };
    expect(offsets()).toEqual(offsets());
  });

  it('keeps parameters, gradients, states, inputs and outputs side by side, whatever the programs', () => {
    const programs = runPrograms(shapes[0]!, 2, 'none');
    const p = plan(programs);
    const persistent = [...p.placements.keys()].filter((b) => !isTransient(b));
    for (const role of persistentRoles) {
      const sum = persistent.filter((b) => b.role === role).reduce((n, b) => n + align(sizeOf(b)), 0);
      expect(p.arenaBytes[role], role).toBe(sum);
    }
  });

  it('puts a cache where training has its activations, at one place for all programs that use it', () => {
    const model = new Model(shapes[0]!);
    const cache = model.cache(1);
    const prefill = model.decode(1, 8, cache);
    const one = model.decode(1, 1, cache, prefill.inputs);
    const decoding = [prefill.program, one.program];
    const training = runPrograms(shapes[0]!, 2, 'none').filter((program) => !usesCache(program));
    const fused = plan([...training, ...decoding]);
    for (const program of decoding) expectNoOverlap(program, fused);
    expect(fused.arenaBytes.activation).toBe(plan(training).arenaBytes.activation);
    expect(fused.roleBytes.cache).toBe(0);
    const alone = plan(decoding);
    expect(alone.roleBytes.cache).toBe(2 * 2 * align(4 * 64 * 32));
    expect(alone.peak!.program).toBe('decode8');
  });

  it('needs less memory the more is recomputed', () => {
    const bytes = policies.map((policy) => plan(runPrograms(gpt2(12, 12, 768, 1024), 4, policy)).totalBytes);
    expect(bytes[1]).toBeLessThan(bytes[0]!);
    expect(bytes[2]).toBeLessThan(bytes[1]!);
  });

  it('plans gpt2-xl at 4096 tokens of context, and names the call at the peak', () => {
    const p = plan(runPrograms(gpt2(48, 25, 1600, 4096), 1, 'block'));
    expect(p.arenaBytes.activation).toBe(p.lowerBound);
    expect(p.roleBytes.parameter).toBeGreaterThan(4 * 1.56e9);
    expect(p.peak!.call.kind).toBeTruthy();
    expect(p.peak!.program).toBe('firstMicroBatch');
  });
});

const sizeOf = (b: Buffer) => b.shape.reduce((n, d) => n * d, 1) * bytesPerElement[b.dtype];

describe('packing', () => {
  const lifetime = fc.record({ first: fc.nat(40), length: fc.nat(15), units: fc.integer({ min: 1, max: 40 }) });
  const lives = fc.array(lifetime, { maxLength: 60 }).map((rows): Lifetime[] =>
    rows
      .sort((a, b) => a.first - b.first)
      .map(({ first, length, units }, i) => ({
        buffer: { name: `b${i}`, shape: [units * 64], dtype: 'f32', role: 'activation' },
        first,
        last: first + length,
        bytes: units * alignment,
      })),
  );

  it.each([packInCallOrder, packByLifetime])('%o never lets live buffers overlap', (pack) => {
    fc.assert(
      fc.property(lives, (all) => {
        const { offsets, bytes } = pack(all);
        const max = Math.max(0, ...liveBytes(all, 60));
        expect(bytes).toBeGreaterThanOrEqual(max);
        all.forEach((a, i) => {
          expect(offsets[i]! % alignment).toBe(0);
          expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
          all.slice(i + 1).forEach((b, k) => {
            const j = i + 1 + k;
            const fused = a.first <= b.last && b.first <= a.last;
            const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
            if (fused && !apart) expect.fail(`${i} and ${j} overlap`);
          });
        });
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('closes lifetimes: a buffer lives during its first and its last call', () => {
    const [program] = runPrograms(shapes[0]!, 1, 'none');
    for (const l of lifetimes(program!)) {
      const uses = program!.calls.flatMap((c, i) => (Object.values(c.args).includes(l.buffer) ? [i] : []));
      expect([l.first, l.last]).toEqual([uses[0], uses.at(-1)]);
    }
  });
});
