import { describe, expect, it } from 'vitest';
import { UserError } from '../../../electron/base/errors.ts';
import { createCpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { tempDir } from '../../temp.ts';
import { smallRun, train } from './harness.ts';

const constant = (steps: number, more: object = {}) => ({
  kind: 'constant' as const,
  steps,
  from: 3e-3,
  to: 3e-3,
  ...more,
});
const mix = (...datasets: string[]) => ({ mix: datasets.map((dataset) => ({ dataset })) });
/** First on its own data, then on others besides. */
const daily = (evaluation: object = {}) =>
  smallRun({
    phases: [constant(4), constant(4, mix('made up', 'news', 'poems'))],
    evaluation: { every: 2, sequences: 4, ...evaluation },
  });

/** A window that is as hard for the model whatever it learned of others. */
const window = (start: number) => {
  const at = (i: number) => (start + 11 * i) % 61;
  return {
    inputs: Int32Array.from({ length: 16 }, (_, i) => at(i)),
    targets: Int32Array.from({ length: 16 }, (_, i) => at(i + 1)),
  };
};
const windows = (start: number) => ({ count: 3, read: (i: number) => window(start + i) });
const device = () => createCpuDevice({ threads: 1 });

describe('a run on several datasets', () => {
  it('tells the loss of each further one, whenever its own is taken, and takes the best by its own alone', async () => {
    const asked: string[] = [];
    const validationOf = (name: string) => {
      asked.push(name);
      return windows(name.length);
    };
    const { events } = await train(device(), tempDir(), daily(), { validationOf });
    const reported = events.flatMap((e) => (e.type === 'datasetLoss' ? [[e.step, e.dataset]] : []));
    expect(reported).toEqual([0, 2, 4, 6, 8].flatMap((step) => [[step, 'news'], [step, 'poems']])); // prettier-ignore
    expect(new Set(asked)).toEqual(new Set(['news', 'poems']));
    for (const e of events)
      if (e.type === 'datasetLoss') expect(e).toMatchObject({ tokens: 48, loss: expect.any(Number) });
    // Before it has learned anything, all tokens are about as likely.
    const first = events.find((e) => e.type === 'datasetLoss');
    expect(first!.loss).toBeCloseTo(Math.log(61), 0);
    const [own, all] = [await train(device(), tempDir(), daily({ datasetSequences: 0 }), { validationOf }), events];
    const without = all.filter((e) => e.type !== 'datasetLoss');
    const best = (list: typeof events) => list.flatMap((e) => (e.type === 'checkpoint' ? [[e.step, e.best]] : []));
    expect(best(without)).toEqual(best(own.events));
    expect(own.events.some((e) => e.type === 'datasetLoss')).toBe(false);
  });

  it('goes without one whose validation data is too short, or that is not there', async () => {
    const validationOf = (name: string) => {
      if (name === 'news') throw new UserError('The validation data has 3 tokens.');
      return windows(1);
    };
    const { events, outcome } = await train(device(), tempDir(), daily(), { validationOf });
    expect(outcome.state).toBe('completed');
    expect(new Set(events.flatMap((e) => (e.type === 'datasetLoss' ? [e.dataset] : [])))).toEqual(new Set(['poems']));
  });

  it('takes all of a step anew where it was cut short in between', async () => {
    const root = tempDir();
    const validationOf = () => windows(2);
    const { events, checkpoint } = await train(device(), root, daily(), {
      validationOf,
      onEvent: (requests, e) => e.type === 'datasetLoss' && e.step === 6 && e.dataset === 'news' && requests.stop(),
    });
    const reported = (list: typeof events) =>
      list.flatMap((e) => (e.type === 'datasetLoss' ? [`${e.step} ${e.dataset}`] : []));
    expect(reported(events).at(-1)).toBe('6 news');
    const rest = await train(device(), root, daily(), { validationOf, from: await checkpoint(6) });
    expect(reported(rest.events)).toEqual(['6 news', '6 poems', '8 news', '8 poems']);
    expect(rest.events.filter((e) => e.type === 'evaluation').map((e) => e.step)).toEqual([6, 8]);
  });
});
