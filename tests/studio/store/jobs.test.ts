import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testStore } from './helpers.ts';

const job = (title: string) => ({ kind: 'train', title, input: {}, run: null, slot: 'cpu' });

test('what was running when its process died is first in the queue again, however the queue was ordered meanwhile', () => {
  const { jobs } = testStore();
  const moves = fc.array(fc.tuple(fc.nat(7), fc.option(fc.nat(7))), { maxLength: 6 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), moves, (waiting, asked) => {
      for (const { id } of jobs.list()) jobs.end(id, 'done', null);
      const running = jobs.add(job('running'));
      jobs.take(running.id, true, () => true);
      const others = Array.from({ length: waiting }, (_, i) => jobs.add(job(`${i}`)).id);
      const expected = [...others];
      for (const [from, to] of asked) {
        const id = others[from % waiting]!;
        const before = to === null ? null : others[to % waiting]!;
        jobs.move(id, before);
        if (id === before) continue;
        expected.splice(expected.indexOf(id), 1);
        expected.splice(before === null ? expected.length : expected.indexOf(before), 0, id);
      }
      jobs.requeue(running.id, 'its process was killed');
      expect(jobs.list({ state: 'queued' }).map(({ id }) => id)).toEqual([running.id, ...expected]);
    }),
    { numRuns: 40 },
  );
});
