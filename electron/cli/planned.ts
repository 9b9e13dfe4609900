import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Steps } from '../engine/fit/steps.ts';
import { locateHome } from '../studio/home.ts';
import { longMs } from '../studio/planning/planner.ts';
import { asJobIn } from './asJob.ts';
import { abortable } from './interrupts.ts';

/**
 * The answer to a question that takes many plans. One that takes long is a job of the home from then on, where there is one.
 * @param home the flag
 * @param title of the job
 * @throws Interrupted when it was cancelled, here or elsewhere
 */
export async function planned<T>(home: string | undefined, title: string, steps: Steps<T>): Promise<T> {
  let found: { readonly value: T } | undefined;
  const work = async (signal: AbortSignal, untilMs: number): Promise<void> => {
    const end = performance.now() + untilMs;
    while (!found && performance.now() < end) {
      const { done, value } = steps.next();
      if (done) found = { value };
      await setImmediate();
      signal.throwIfAborted();
    }
  };
  await abortable((signal) => work(signal, longMs));
  const dir = locateHome(home);
  const rest = (signal: AbortSignal): Promise<void> => work(signal, Number.POSITIVE_INFINITY);
  if (!found && fs.existsSync(dir))
    await asJobIn(dir, { kind: 'plan', input: { question: 'fit' }, described: { title }, passes: true }, ({ signal }) =>
      rest(signal),
    );
  else if (!found) await abortable(rest);
  return found!.value;
}
