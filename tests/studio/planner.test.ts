import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import type { DeviceMemory } from '../../electron/engine/devices/kind.ts';
import { finish } from '../../electron/engine/fit/steps.ts';
import { UserError } from '../../electron/base/errors.ts';
import { sizedBudget } from '../../electron/studio/budget.ts';
import { Planner } from '../../electron/studio/planning/planner.ts';
import { matrixReport, planReport } from '../../electron/studio/planning/reports.ts';

const model = { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64, dropout: 0 };
const config = { model, batch: 4, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
const budget = sizedBudget('GPU', 2 ** 20, 0);
const large = { config: { ...config, model: { ...model, nLayer: 24 } }, budget };

function apart(): Planner {
  const planner = new Planner();
  planner.moveApart();
  onTestFinished(() => planner.close());
  return planner;
}

/** The next thread that is started. */
const nextThread = async (): Promise<Worker> => ((await once(process, 'worker')) as [Worker])[0];

describe('the planner', () => {
  it('answers from its thread what it answers here', async () => {
    const planner = apart();
    const here = new Planner();
    const asked = { config, budget };
    expect(await planner.ask('plan', asked)).toEqual(finish(planReport(config, budget)));
    expect(await planner.ask('matrix', asked)).toEqual(finish(matrixReport(config, budget)));
    const solve = { config, dimension: 'layers', bytes: 2 ** 27 } as const;
    expect(await planner.ask('solve', solve)).toBe(await here.ask('solve', solve));
    const wrong = { config: { ...config, model: { ...model, nHead: 3 } }, budget };
    await expect(planner.ask('plan', wrong)).rejects.toThrow(UserError);
    await expect(planner.ask('plan', wrong)).rejects.toThrow(/The embedding dim 64 is not divisible/);
  });

  it('lets a small question through while it plans a large one', async () => {
    const planner = apart();
    const order: string[] = [];
    const matrix = planner.ask('matrix', large).then(() => order.push('matrix'));
    await planner.ask('plan', { config, budget }).then(() => order.push('plan'));
    await matrix;
    expect(order).toEqual(['plan', 'matrix']);
  });

  it('gives up what is not wanted any more, and answers what comes next', async () => {
    const planner = apart();
    const controller = new AbortController();
    const matrix = planner.ask('matrix', large, controller.signal);
    controller.abort();
    await expect(matrix).rejects.toThrow(/abort/i);
    expect((await planner.ask('plan', { config, budget })).parameters).toBeGreaterThan(0);
    await expect(planner.ask('plan', { config, budget }, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });

  it('goes on in another thread when one breaks; what breaks two is given up', async () => {
    const planner = apart();
    const first = nextThread();
    const matrix = planner.ask('matrix', large);
    const one = await first;
    const second = nextThread();
    await one.terminate();
    expect((await matrix).rows.length).toBeGreaterThan(0);
    const doomed = planner.ask('matrix', large);
    const ended = expect(doomed).rejects.toThrow(/twice/);
    const two = await second;
    const third = nextThread();
    await two.terminate();
    await (await third).terminate();
    await ended;
    expect((await planner.ask('plan', { config, budget })).parameters).toBeGreaterThan(0);
  });

  it('refuses a run as it is refused here, with what gives memory back', async () => {
    const phases = [{ kind: 'constant', steps: 5, from: 1e-3, to: 1e-3 }] as const;
    const run = parseRunConfig({
      ...{ model, dataset: 'text', tokenizer: 'bytes', batch: 4, tokensPerStep: 256, phases },
    });
    const memory = (bytes: number): DeviceMemory => ({
      bytes,
      hostBytes: 2 ** 30,
      shared: { bytes: 2 ** 30, relief: (needed) => `give back ${needed > 2 ** 20 ? 'more' : 'less'}` },
    });
    const planner = apart();
    await planner.admit(run, 0, memory(2 ** 30));
    await expect(planner.admit(run, 0, memory(2 ** 16))).rejects.toThrow(/too little: give back more\.$/);
    await expect(planner.admit(run, 0, { bytes: 2 ** 16 })).rejects.toThrow(/a smaller model or context would fit/);
  });

  it('lets go of who waits when the studio is closed', async () => {
    const planner = apart();
    const matrix = planner.ask('matrix', large);
    planner.close();
    await expect(matrix).rejects.toThrow(/closed/);
  });
});
