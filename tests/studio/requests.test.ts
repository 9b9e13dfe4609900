import { describe, expect, it } from 'vitest';
import { setTimeout } from 'node:timers/promises';
import type { PhaseChange } from '../../electron/engine/run/phaseChange.ts';
import { UserError } from '../../electron/base/errors.ts';
import { RestedError } from '../../electron/studio/run/handle.ts';
import {
  askForPhases,
  defaultPatience,
  type RunRequest,
  RunRequests,
  sendOrder,
} from '../../electron/studio/run/requests.ts';
import { tempDir } from '../temp.ts';
import { newRun, testStore } from './store/helpers.ts';

const change = (rate: number): PhaseChange => ({
  started: 1,
  later: [],
  add: [{ kind: 'constant', steps: 1, from: rate, to: rate }],
});

const rateOf = (request: RunRequest): number => ('change' in request ? request.change.add[0]!.from : Number.NaN);

/** Two views of one home, as of two processes: the one that trains a run, and one that asks it. */
function processes() {
  const home = tempDir();
  const [owner, asker] = [testStore(home), testStore(home)];
  const { id } = newRun(owner);
  owner.runs.setState(id, 'training');
  return { owner, asker, id };
}

/** Answers requests with `answer` until the run rests. */
function watched(answer: (request: RunRequest) => Promise<unknown>) {
  const { owner, asker, id } = processes();
  let rest = () => {};
  const rested = new Promise<void>((resolve) => (rest = resolve));
  new RunRequests(owner).watch(id, answer, rested);
  return {
    asker,
    owner,
    id,
    rest() {
      owner.runs.setState(id, 'completed');
      owner.claims.release(id);
      rest();
    },
  };
}

describe('a request for other phases', () => {
  it('is handed out once, in turn, with a number that no other has had', () => {
    const { owner, asker, id } = processes();
    const [a, b] = [asker.requests.add(id, change(1)), asker.requests.add(id, change(2))];
    expect(owner.requests.take(id)).toEqual([
      { id: a, what: change(1) },
      { id: b, what: change(2) },
    ]);
    expect(owner.requests.take(id)).toEqual([]);
    expect([asker.requests.withdraw(b), asker.requests.status(b)]).toEqual(['taken', undefined]);
    const c = asker.requests.add(id, change(3));
    expect(c).toBeGreaterThan(b);
    // The answer to what was withdrawn is not another's.
    owner.requests.answer(b, null);
    expect(asker.requests.status(c)).toEqual({ state: 'open', refusal: null });
    owner.requests.answer(a, 'too large');
    expect(asker.requests.status(a)).toEqual({ state: 'answered', refusal: 'too large' });
  });

  it('is answered: made, or refused with the reason', async () => {
    const { asker, id, rest } = watched(async (request) => {
      if (rateOf(request) > 1) throw new UserError('the rate is too high');
    });
    expect(await askForPhases(asker, id, change(1))).toBe(true);
    await expect(askForPhases(asker, id, change(2))).rejects.toThrow(/^the rate is too high$/);
    rest();
  });

  it('that comes after one which the run rested before is answered all the same', async () => {
    const asked: number[] = [];
    const first = watched(async (request) => {
      asked.push(rateOf(request));
      if (rateOf(request) !== 1) return;
      first.rest();
      throw new RestedError();
    });
    expect(await askForPhases(first.asker, first.id, change(1))).toBe(false);
    // The same process trains another run now.
    const { id } = newRun(first.owner, 'other');
    first.owner.runs.setState(id, 'training');
    let rest = () => {};
    new RunRequests(first.owner).watch(id, async (r) => asked.push(rateOf(r)), new Promise<void>((r) => (rest = r))); // prettier-ignore
    expect(await askForPhases(first.asker, id, change(2))).toBe(true);
    expect(asked).toEqual([1, 2]);
    rest();
  });

  it('of which nobody takes notice is withdrawn', async () => {
    const { owner, asker, id } = processes();
    await expect(askForPhases(asker, id, change(1), { ...defaultPatience, untakenMs: 1 })).rejects.toThrow(
      `Process ${process.pid}, which trains the run ${id}, does not answer, and nothing was changed`,
    );
    expect(owner.requests.take(id)).toEqual([]);
  });

  it('that is taken and not answered may still be made, and the asker is told', async () => {
    const { asker, id, rest } = watched(() => new Promise(() => {}));
    const asking = askForPhases(asker, id, change(1), { ...defaultPatience, unansweredMs: 1 });
    await expect(asking).rejects.toThrow(/is still in its step: the request is queued for after it, unless/);
    rest();
  });

  it('is not made twice where the owner made it and could not say so', async () => {
    const { owner, asker, id } = processes();
    owner.runs.update(id, { config: { phases: [] } });
    const asking = askForPhases(asker, id, change(1));
    // Told after the run rests, whatever comes first.
    const outcome = asking.then(String, String);
    while (owner.requests.take(id).length === 0) await setTimeout(5);
    owner.runs.update(id, { config: { phases: change(1).add } });
    owner.runs.setState(id, 'interrupted');
    expect(await outcome).toMatch(/ended while its phases were being updated: check them with `trainyard phases/);
  });
});

describe('an order', () => {
  it('is passed on to the process that trains the run', async () => {
    const reported: RunRequest[] = [];
    const { asker, id, rest } = watched(async (request) => void reported.push(request));
    await sendOrder(asker, id, 'evaluate');
    await sendOrder(asker, id, 'pause');
    expect(reported).toEqual([{ order: 'evaluate' }, { order: 'pause' }]);
    rest();
  });

  it('of a run that rests meanwhile is done when it was to rest, and else is not', async () => {
    const { owner, asker, id } = processes();
    const asking = Promise.allSettled([sendOrder(asker, id, 'stop'), sendOrder(asker, id, 'sample')]);
    owner.runs.setState(id, 'completed');
    const [stop, sample] = await asking;
    expect(stop.status).toBe('fulfilled');
    expect(sample).toMatchObject({ reason: new UserError(`The run ${id} ended first.`) });
  });
});
