import type { Command } from 'commander';
import { resolveHome } from '../studio/home.ts';
import type { RunOrder } from '../studio/run/requests.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';

const orders: readonly (readonly [RunOrder, string, string])[] = [
  ['pause', 'have a run that trains in another process saved and paused', 'it pauses after the current step'],
  ['stop', 'have a run that trains in another process saved and stopped', 'it stops after the current step'],
];

/** What a run that trains in a window or another terminal is told. */
export function addOrders(program: Command): void {
  for (const [order, description, told] of orders) {
    program
      .command(order)
      .description(description)
      .argument('<run>', runHelp)
      .action(async (id: string, _: unknown, self: Command) => {
        const studio = Studio.open(resolveHome(self.optsWithGlobals<{ home?: string }>().home));
        try {
          const run = findRun(studio, id);
          await studio.tell(run, order);
          console.log(`${run.id}: ${told}`);
        } finally {
          studio.close();
        }
      });
  }
}
