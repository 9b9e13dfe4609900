import { createRouterClient } from '@orpc/server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { recordRun } from '../recordRun.ts';
import { tempDir } from '../temp.ts';

/** A studio with runs at rest, and the API on it. */
function opened(names: readonly string[]) {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.close());
  const ids = names.map((name) => {
    const id = recordRun(studio, name, 100_000);
    studio.store.runs.setState(id, 'completed');
    studio.store.claims.release(id);
    return id;
  });
  return { studio, ids, client: createRouterClient(router, { context: { studio } }) };
}

describe('many runs at once', () => {
  it('are archived, tagged and deleted; those that refuse are named, and the others are done', async () => {
    const { studio, ids, client } = opened(['one', 'two', 'three']);
    const [one, two, three] = ids as [string, string, string];
    expect(await client.runs.bulk({ act: 'tag', ids, add: ['keep', 'old'] })).toEqual({ done: ids, refused: [] });
    await client.runs.bulk({ act: 'tag', ids: [one], add: ['new', 'new'], remove: ['old'] });
    expect(studio.store.runs.get(one).tags).toEqual(['keep', 'new']);
    expect(studio.store.runs.get(two).tags).toEqual(['keep', 'old']);

    studio.store.claims.take(three);
    studio.store.runs.setState(three, 'training');
    const archived = await client.runs.bulk({ act: 'archive', ids: [one, two, two, three, 'no-such-run'] });
    expect(archived.done).toEqual([one, two]);
    expect(archived.refused).toEqual([
      { id: three, name: 'three', reason: expect.stringContaining('training now') as string },
      { id: 'no-such-run', name: 'no-such-run', reason: 'There is no run no-such-run.' },
    ]);
    expect((await client.runs.list({ archived: true })).map(({ id }) => id).sort()).toEqual([one, two].sort());

    await client.runs.bulk({ act: 'unarchive', ids: [two] });
    const removed = await client.runs.bulk({ act: 'remove', ids: [one, two] });
    expect(removed.done).toEqual([one]);
    expect(removed.refused).toMatchObject([{ id: two, reason: expect.stringContaining('not archived') as string }]);
    expect(studio.store.runs.has(one)).toBe(false);
    expect((await client.runs.bulk({ act: 'stop', ids: [two] })).refused).toMatchObject([{ name: 'two' }]);
  });

  it('get no more tags than a run may have', async () => {
    const { studio, ids, client } = opened(['one']);
    const tags = (from: number) => Array.from({ length: 30 }, (_, i) => `tag ${from + i}`);
    await client.runs.bulk({ act: 'tag', ids, add: tags(0) });
    const { refused } = await client.runs.bulk({ act: 'tag', ids, add: tags(30) });
    expect(refused).toMatchObject([{ reason: 'The run one would have more than 50 tags.' }]);
    expect(studio.store.runs.get(ids[0]!).tags).toHaveLength(30);
  });
});

describe('what lists show of a run', () => {
  it('is a curve of a few dozen points, whatever its length, and none of what is no run', async () => {
    const { studio, ids, client } = opened(['long', 'empty']);
    const [long, empty] = ids as [string, string];
    const writer = studio.store.metrics.writer(long, { maxRows: 5000 });
    for (let step = 1; step <= 20_000; step++)
      writer.add({ step, time: step, loss: step === 7 ? NaN : 5 - step / 10_000 });
    writer.close();
    const curves = await client.runs.curves({ ids: [long, empty, 'no-such-run'] });
    expect(Object.keys(curves)).toEqual([long, empty]);
    const { steps, values } = curves[long]!;
    expect(steps.length).toBeGreaterThan(15);
    expect(steps.length).toBeLessThanOrEqual(40);
    expect(values[0]).toBeCloseTo(4.95, 1);
    expect(values.at(-1)).toBeCloseTo(3, 1);
    expect(curves[empty]).toEqual({ steps: [], values: [] });
  });

  it('is how fast it trains, and how long it has trained without what it rested', async () => {
    const { studio, ids, client } = opened(['run']);
    const [id] = ids as [string];
    const { store } = studio;
    const listed = async () => (await client.runs.list({ archived: false }))[0]!;
    expect(await listed()).toMatchObject({ tokensPerSecond: null, trainedMs: null });

    store.events.add(id, 0, 'info', 'started', 'training on cpu from step 0');
    const start = store.events.list(id)[0]!.time;
    const writer = store.metrics.writer(id);
    const train = (from: number, to: number, at: number) => {
      for (let step = from; step <= to; step++)
        writer.add({
          step,
          time: at + 1000 * (step - from + 1),
          loss: 3,
          tokensPerSecond: step === to ? NaN : 10 * step,
        });
      writer.flush();
    };
    train(1, 5, start);
    expect(await listed()).toMatchObject({ tokensPerSecond: null, trainedMs: 5000 });
    store.runs.setState(id, 'training');
    expect((await listed()).tokensPerSecond).toBe(25);

    // Resumed at step 5: its steps are placed behind the second start, whenever that was.
    store.events.add(id, 5, 'info', 'started', 'training on cpu from step 5');
    const again = store.events.list(id)[1]!.time;
    train(6, 8, again + 60_000);
    expect((await listed()).trainedMs).toBe(5000 + 60_000 + 3000);
    writer.close();
  });
});
