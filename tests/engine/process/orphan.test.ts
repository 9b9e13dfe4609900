import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FromEngine } from '../../../electron/engine/process/messages.ts';
import {
  engineOf,
  hasUnheard,
  readUnheard,
  removeUnheard,
  takeRun,
  Unheard,
} from '../../../electron/engine/process/orphan.ts';
import { tempDir } from '../../temp.ts';

const metrics = (step: number) =>
  ({ type: 'metrics', step, loss: step === 3 ? Number.NaN : 1 / step }) as unknown as FromEngine;
const evaluation = (step: number): FromEngine => ({ type: 'evaluation', step, valLoss: 2, tokens: 1, bytes: 1 });
const flush = (id: number): FromEngine => ({ type: 'flush', id });

/** What would be left of it. */
function left(unheard: Unheard): FromEngine[] {
  const folder = tempDir();
  unheard.leave(folder);
  return hasUnheard(folder) ? readUnheard(folder) : [];
}

describe('what an engine leaves that no studio has heard', () => {
  it('is what was not stored: steps until a flush, all else until it is told', () => {
    const unheard = new Unheard();
    for (const message of [metrics(1), metrics(2), evaluation(2), metrics(3)]) unheard.add(message);
    expect(left(unheard)).toEqual([metrics(1), metrics(2), evaluation(2), metrics(3)]);
    unheard.stored(3);
    expect(left(unheard)).toEqual([metrics(1), metrics(2), metrics(3)]);
    unheard.add(flush(1));
    unheard.add(metrics(4));
    unheard.flushed(1);
    expect(left(unheard)).toEqual([metrics(4)]);
  });

  it('holds no step that a recovery has taken back', () => {
    const unheard = new Unheard();
    const recovery: FromEngine = { type: 'recovery', step: 3, to: 1, reason: 'loss', recoveries: 1 };
    for (const message of [metrics(2), metrics(3), recovery, metrics(2)]) unheard.add(message);
    unheard.stored(3);
    expect(left(unheard)).toEqual([metrics(2)]);
  });

  it('is each message that was not stored, once, in order, whatever was stored when', () => {
    const kind = fc.constantFrom('metrics', 'evaluation', 'flush', 'activity');
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, fc.boolean()), { maxLength: 40 }), (said) => {
        const unheard = new Unheard();
        let expected: FromEngine[] = [];
        let flushes = 0;
        said.forEach(([type, isStored], i) => {
          const step = i + 1;
          if (type === 'activity') return unheard.add({ type, step, activity: 'training' });
          if (type === 'flush') {
            unheard.add(flush(++flushes));
            if (!isStored) return;
            unheard.flushed(flushes);
            expected = [];
            return;
          }
          const message = type === 'metrics' ? metrics(step) : evaluation(step);
          unheard.add(message);
          // As the studio does it: in order, and of single messages what is no step.
          if (type === 'evaluation' && isStored) {
            unheard.stored(step);
            expected = expected.filter((m) => m.type === 'metrics');
          } else expected.push(message);
        });
        expect(left(unheard)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('is read once, and a run has one engine', () => {
    const folder = tempDir();
    const unheard = new Unheard();
    unheard.add({ type: 'started', step: 0, device: 'cpu: a', memory: {} as never });
    expect(unheard.hasStarted).toBe(true);
    unheard.leave(folder);
    expect(readUnheard(folder)).toHaveLength(1);
    removeUnheard(folder);
    expect(hasUnheard(folder)).toBe(false);
    const lock = takeRun(folder);
    expect(engineOf(folder)?.owner?.pid).toBe(process.pid);
    expect(() => takeRun(folder)).toThrow(/still being saved by process \d+.*try again when that has ended/);
    lock.release();
    expect(engineOf(folder)).toBe(null);
    expect(fs.readdirSync(path.join(folder))).toEqual([]);
  });
});
