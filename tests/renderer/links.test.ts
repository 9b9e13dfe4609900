import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handlesOf, typedLength, typedRate } from '../../renderer/pages/new/curve.ts';
import { isLinked, link, setRate } from '../../renderer/pages/new/links.ts';
import { draftOf, type PhaseDraft } from '../../renderer/pages/new/phase.ts';

/** As gpt2-medium-4096 was trained: the last phase begins lower than the one before ends. */
const phases = (): PhaseDraft[] => [
  draftOf({ kind: 'warmup', steps: 3000, from: 6e-5, to: 4e-4 }),
  draftOf({ kind: 'cosine', tokens: 11_700_000_000, from: 4e-4, to: 3e-4 }),
  draftOf({ kind: 'constant', tokens: 1_000_000_000, from: 9e-5, to: 9e-5 }),
];
const rates = (all: readonly PhaseDraft[]) => all.map(({ from, to }) => [from, to]);

describe('learning rates of neighboring phases', () => {
  it('are changed together where they are the same, while somebody types', () => {
    const all = phases();
    for (const typed of ['', '5', '5e', '5e-', '5e-4']) setRate(all, 0, 'to', typed);
    expect(rates(all)).toEqual([
      ['0.00006', '5e-4'],
      ['5e-4', '0.0003'],
      ['0.00009', '0.00009'],
    ]);
    setRate(all, 1, 'from', '2e-4');
    expect(all[0]!.to).toBe('2e-4');
  });

  it('are not where they differ, or were unlinked, until they are linked again', () => {
    const all = phases();
    expect(all.map((_, i) => isLinked(all, i))).toEqual([false, true, false]);
    setRate(all, 1, 'to', '1e-4');
    expect(all[2]!.from).toBe('0.00009');
    link(all, 1, false);
    setRate(all, 0, 'to', '1e-3');
    expect(all[1]!.from).toBe('0.0004');
    link(all, 1, true);
    expect([all[1]!.from, all[0]!.to]).toEqual(['1e-3', '1e-3']);
  });

  it('pass through a constant phase, which has one', () => {
    const all = [
      draftOf({ kind: 'warmup', steps: 10, from: 0, to: 1e-3 }),
      draftOf({ kind: 'constant', steps: 10, from: 1e-3, to: 1e-3 }),
      draftOf({ kind: 'cosine', steps: 10, from: 1e-3, to: 1e-4 }),
    ];
    setRate(all, 1, 'from', '2e-3');
    expect(rates(all)).toEqual([
      ['0', '2e-3'],
      ['2e-3', '2e-3'],
      ['2e-3', '0.0001'],
    ]);
  });

  it('stay linked, whatever is typed where', () => {
    const kind = fc.constantFrom('warmup', 'cosine', 'constant');
    const rate = fc.constantFrom('1e-3', '0.001', '2e-4', '');
    const phase = fc.record({ kind, from: rate, to: rate }).map((p) => ({ ...phases()[0]!, ...p }));
    const edit = fc.record({ at: fc.nat(3), end: fc.constantFrom('from', 'to'), typed: fc.string() });
    fc.assert(
      fc.property(fc.array(phase, { minLength: 1, maxLength: 4 }), edit, (all, { at, end, typed }) => {
        const before = all.map((_, i) => isLinked(all, i));
        setRate(all, at % all.length, end, typed);
        before.forEach((was, i) => expect(was && !isLinked(all, i)).toBe(false));
      }),
    );
  });
});

describe('the points of a schedule', () => {
  it('are the ends of its phases, once where two of them are one', () => {
    const steps = 262_144;
    const cosine = Math.ceil(11_700_000_000 / steps);
    const last = Math.ceil(1_000_000_000 / steps);
    expect(handlesOf(phases(), steps)).toEqual([
      { phase: 0, end: 'from', step: 0, rate: 6e-5 },
      { phase: 0, end: 'to', step: 3000, rate: 4e-4 },
      { phase: 1, end: 'to', step: 3000 + cosine, rate: 3e-4 },
      { phase: 2, end: 'to', step: 3000 + cosine + last, rate: 9e-5 },
    ]);
  });

  it('end where something makes no sense yet', () => {
    const all = phases();
    all[1]!.length = 'ten';
    expect(handlesOf(all, 1024)).toHaveLength(2);
  });

  it('are typed as people would: in few digits, and in the unit of the phase', () => {
    expect([typedRate(0.000_412_3), typedRate(-1e-4), typedRate(0.05)]).toEqual(['4.1e-4', '0', '0.05']);
    const [warmup, cosine] = phases() as [PhaseDraft, PhaseDraft];
    expect([typedLength(warmup, 3123.4, 1000), typedLength(warmup, -5, 1000)]).toEqual(['3120', '1']);
    expect(typedLength(cosine, 44_633, 262_144)).toBe('11700000000');
  });
});
