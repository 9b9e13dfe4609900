import type { Command } from 'commander';
import { resolveHome } from '../studio/home.ts';
import type { RunOrder } from '../studio/run/requests.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';

/** Sends an order to a run that trains in a window or another terminal. @param reported what is printed then */
const adder =
  (order: RunOrder, reported: string) =>
  (command: Command): void => {
    command.argument('<run>', runHelp).action(async (id: string, _: unknown, self: Command) => {
      const studio = Studio.open(resolveHome(self.optsWithGlobals<{ home?: string }>().home));
      try {
        const run = findRun(studio, id);
        await studio.sendOrder(run, order);
        console.log(`${run.id}: ${reported}`);
      } finally {
        studio.close();
      }
    });
  };

export const addPause = adder('pause', 'pausing after the current step');
export const addStop = adder('stop', 'stopping after the current step');
