import { createRouterClient } from '@orpc/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import type { RunUpdate } from '../../electron/api/types.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { recordRun } from '../recordRun.ts';
import { tempDir } from '../temp.ts';

/** A studio with a run whose record the test writes itself, and the API on it. */
function opened() {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.close());
  const id = recordRun(studio, 'x', 5000);
  const metrics = studio.store.metrics.writer(id);
  onTestFinished(() => metrics.close());
  const train = (from: number, to: number, loss = (step: number) => 5 - step / 1000) => {
    for (let step = from; step <= to; step++)
      metrics.add({ step, time: 1e12 + step, loss: loss(step), tokensSeen: 8 * step });
    metrics.flush();
  };
  const client = createRouterClient(router, { context: { studio } });
  const watch = async (afterStep = -1, afterEvent = 0) => {
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const updates = await client.runs.watch({ id, afterStep, afterEvent }, { signal: controller.signal });
    const next = async (): Promise<RunUpdate> => (await updates[Symbol.asyncIterator]().next()).value as RunUpdate;
    return { next, leave: () => controller.abort(), updates };
  };
  return { studio, id, client, train, watch };
}

describe('watching a run', () => {
  it('gives what there is, then what is new, together where the listener was away', async () => {
    const { train, watch } = opened();
    train(1, 3);
    const { next } = await watch();
    expect(await next()).toMatchObject({ steps: [1, 2, 3], resetAfter: null, skipped: false, run: { step: 3 } });
    train(4, 5);
    train(6, 7);
    expect(await next()).toMatchObject({ steps: [4, 5, 6, 7], measures: { loss: [4.996, 4.995, 4.994, 4.993] } });
  });

  it('catches up from where a listener was', async () => {
    const { train, watch, studio, id } = opened();
    train(1, 5);
    studio.store.events.add(id, 5, 'info', 'note', 'first');
    const { next, leave } = await watch(3);
    const seen = await next();
    expect(seen).toMatchObject({ steps: [4, 5], events: [{ message: 'first' }] });
    leave();
    train(6, 8);
    studio.store.events.add(id, 8, 'info', 'note', 'second');
    const again = await watch(5, seen.events.at(-1)!.id);
    expect(await again.next()).toMatchObject({ steps: [6, 7, 8], events: [{ message: 'second' }] });
  });

  it('says from where on the past is another one after a recovery or a resumption', async () => {
    const { train, watch, studio, id } = opened();
    train(1, 9);
    const { next } = await watch();
    await next();
    studio.store.runs.truncateAfter(id, 4);
    studio.store.events.add(id, 9, 'warning', 'recovery', 'went back', { to: 4 });
    train(5, 6, () => 1);
    expect(await next()).toMatchObject({ resetAfter: 4, steps: [5, 6], measures: { loss: [1, 1] } });
    studio.store.runs.truncateAfter(id, 2);
    studio.store.events.add(id, 2, 'info', 'started', 'resumed');
    train(3, 3, () => 2);
    expect(await next()).toMatchObject({ resetAfter: 2, steps: [3] });
  });

  it('asks a listener that is far behind to read anew, and tells NaN as such', async () => {
    const { train, watch, client, id } = opened();
    train(1, 2500);
    const { next } = await watch(100);
    expect(await next()).toMatchObject({ skipped: true, steps: [], run: { step: 2500 } });
    train(2501, 2502, (step) => (step === 2502 ? Number.NaN : 1));
    expect((await next()).measures.loss).toEqual([1, Number.NaN]);
    const series = await client.runs.series({ id, points: 50 });
    expect(series.lastStep).toBe(2502);
    expect(series.measures.loss.steps.length).toBeLessThan(250);
    expect(series.measures.loss.values.at(-1)).toBeNaN();
  });

  it('has what machine and GPU report at the steps that have it, live as in the whole', async () => {
    const { studio, id, client, watch } = opened();
    const metrics = studio.store.metrics.writer(id);
    onTestFinished(() => metrics.close());
    const add = (step: number, more: object = {}) => metrics.add({ step, time: 1e12 + step, loss: 1, ...more });
    add(1);
    add(2, { cpuUtilization: 0.5, machineMemoryBytes: 2 ** 33 });
    add(3);
    metrics.flush();
    const { next } = await watch();
    const { measures } = await next();
    expect(measures).toMatchObject({
      loss: [1, 1, 1],
      cpuUtilization: [null, 0.5, null],
      machineMemoryBytes: [null, 2 ** 33, null],
      gpuPower: [null, null, null],
    });
    const series = await client.runs.series({ id });
    expect(series.measures.cpuUtilization).toEqual({ steps: [2], values: [0.5] });
    expect(series.means.machineMemoryBytes).toEqual({ steps: [2], values: [2 ** 33] });
    expect(series.measures.gpuPower).toEqual({ steps: [], values: [] });
  });

  it('ends when the listener leaves, and refuses a run that is not there in one line', async () => {
    const { watch, client, train } = opened();
    train(1, 1);
    const { next, leave, updates } = await watch();
    await next();
    leave();
    await expect(updates[Symbol.asyncIterator]().next()).resolves.toMatchObject({ done: true });
    await expect(client.runs.get({ id: 'nothing' })).rejects.toThrow(/There is no run "nothing"/);
  });
});

describe('what a window asks for', () => {
  it('is checked before anything is done', async () => {
    const { client, id } = opened();
    await expect(client.runs.edit({ id, name: '' })).rejects.toThrow();
    await expect(client.runs.series({ id, points: 1e9 })).rejects.toThrow();
    await expect(client.runs.get({ id, more: 1 } as never)).rejects.toThrow();
    await expect(client.data.look({ name: '../..', split: 'train', at: 0, tokens: 9 })).rejects.toThrow(
      /There is no dataset/,
    );
    await expect(client.data.remove({ name: '..' })).rejects.toThrow(/There is no dataset/);
  });

  it('of a run that does not train here is refused with where it is', async () => {
    const { client, id, studio } = opened();
    studio.store.runs.setState(id, 'paused');
    await expect(client.runs.pause({ id })).rejects.toThrow(/The run x is paused/);
    await expect(client.runs.remove({ id })).rejects.toThrow(/archive it first/);
    studio.store.runs.setState(id, 'training');
    await expect(client.runs.edit({ id, archived: true })).rejects.toThrow(/is training now/);
    await client.runs.edit({ id, name: 'y' });
    expect(studio.store.runs.get(id)).toMatchObject({ name: 'y', archived: false });
  });
});
