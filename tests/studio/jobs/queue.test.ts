import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hoursSchema, isWithin } from '../../../electron/studio/jobs/hours.ts';
import { nextJobs } from '../../../electron/studio/jobs/queue.ts';

const job = (id: number, slot: string | null, scheduled = false) => ({ id, slot, scheduled });
const ids = (jobs: readonly { id: number }[]) => jobs.map(({ id }) => id);
const nobody = () => false;

describe('the queue', () => {
  it('has one job at a time of a slot, two that copy files, and any number of those that wait for nothing', () => {
    const queued = [job(1, 'a'), job(2, 'a'), job(3, 'b'), job(4, 'files'), job(5, 'files'), job(6, 'files')];
    expect(ids(nextJobs(queued, [], nobody, true))).toEqual([1, 3, 4, 5]);
    expect(ids(nextJobs(queued, [{ slot: 'a' }, { slot: 'files' }], nobody, true))).toEqual([3, 4]);
    expect(ids(nextJobs([job(1, null), job(2, null)], [{ slot: null }], nobody, true))).toEqual([1, 2]);
  });

  it('holds back what its hours are for, and what something else has the slot of', () => {
    const queued = [job(1, 'a', true), job(2, 'a'), job(3, 'b')];
    expect(ids(nextJobs(queued, [], nobody, true))).toEqual([1, 3]);
    expect(ids(nextJobs(queued, [], nobody, false))).toEqual([2, 3]);
    expect(ids(nextJobs(queued, [], (slot) => slot === 'a', true))).toEqual([3]);
  });

  it('never has more of a slot than may be, and never lets one wait that could begin', () => {
    const slots = fc.constantFrom('a', 'b', 'files', null);
    const jobs = fc.array(fc.record({ slot: slots, scheduled: fc.boolean() }), { maxLength: 12 });
    fc.assert(
      fc.property(
        jobs,
        fc.array(fc.record({ slot: slots }), { maxLength: 4 }),
        fc.boolean(),
        (asked, running, open) => {
          const queued = asked.map((each, id) => ({ ...each, id }));
          const started = new Set(ids(nextJobs(queued, running, nobody, open)));
          const used = (slot: string) =>
            running.filter((r) => r.slot === slot).length +
            queued.filter((q) => q.slot === slot && started.has(q.id)).length;
          for (const { id, slot, scheduled } of queued) {
            if (started.has(id)) expect(scheduled && !open).toBe(false);
            else expect((scheduled && !open) || (slot !== null && used(slot) >= (slot === 'files' ? 2 : 1))).toBe(true);
          }
          for (const slot of ['a', 'b', 'files']) {
            const before = running.filter((r) => r.slot === slot).length;
            expect(used(slot)).toBeLessThanOrEqual(Math.max(before, slot === 'files' ? 2 : 1));
          }
        },
      ),
    );
  });
});

describe('hours of the queue', () => {
  const at = (time: string) => new Date(`2026-03-04T${time}:00`);

  it('may reach into the next morning', () => {
    const night = hoursSchema.parse(' 22:00 – 07:00 ');
    expect(night).toBe('22:00-07:00');
    expect(['21:59', '22:00', '23:59', '00:00', '06:59', '07:00'].map((time) => isWithin(night, at(time)))).toEqual([
      ...[false, true, true, true, true, false],
    ]);
    expect(['08:59', '09:00', '17:29', '17:30'].map((time) => isWithin('09:00-17:30', at(time)))).toEqual([
      ...[false, true, true, false],
    ]);
    expect(isWithin(null, at('12:00'))).toBe(true);
  });

  it.each(['22-7', '24:00-07:00', '22:00', '22:60-07:00', '22:00-22:00', '', '22:00-07:00x'])('are not %j', (text) => {
    expect(hoursSchema.safeParse(text).success).toBe(false);
  });
});
