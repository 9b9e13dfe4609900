/** Plans in a thread of its own. A long job lets others through between two of its plans, and ends when it isn't wanted any more. */
import { setImmediate } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { type JobInput, type JobKind, stepsOf } from './jobs.ts';
import type { FromPlanner, ToPlanner } from './planner.ts';

const working = new Set<number>();
const dropped = new Set<number>();

const send = (message: FromPlanner): void => parentPort!.postMessage(message);

async function work<K extends JobKind>(id: number, kind: K, input: JobInput<K>): Promise<void> {
  working.add(id);
  try {
    const steps = stepsOf(kind, input);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return send({ id, value });
      await setImmediate();
      if (dropped.delete(id)) return send({ id, dropped: true });
    }
  } catch (error) {
    const { name, message, stack } = error as Error;
    send({ id, error: { name, message, stack: error instanceof UserError ? undefined : stack } });
  } finally {
    working.delete(id);
    dropped.delete(id);
  }
}

parentPort!.on('message', (message: ToPlanner) => {
  if (!('drop' in message)) void work(message.id, message.kind, message.input);
  else if (working.has(message.drop)) dropped.add(message.drop);
  // It was done before.
  else send({ id: message.drop, dropped: true });
});
