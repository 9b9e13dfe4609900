import type { Command } from 'commander';
import { shownState } from '../base/states.ts';
import { resolveHome } from '../studio/home.ts';
import type { RunOrder } from '../studio/run/requests.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';

/** Sends an order to a run that trains in a window or another terminal, or waits. @param reported what is printed where it trains */
const adder =
  (order: RunOrder, reported: string) =>
  (command: Command): void => {
    command.argument('<run>', runHelp).action(async (id: string, _: unknown, self: Command) => {
      const studio = Studio.open(resolveHome(self.optsWithGlobals<{ home?: string }>().home));
      try {
        const run = findRun(studio, id);
        await studio.training.sendOrder(run, order);
        const isActive = run.state === 'training' || run.state === 'preparing';
        const { state, message } = studio.store.runs.get(run.id);
        console.log(`${run.id}: ${isActive ? reported : `${shownState(state)}: ${message}`}`);
      } finally {
        studio.close();
      }
    });
  };

export const addPause = adder('pause', 'pausing after the current step');
export const addStop = adder(
  'stop',
  'stopping after the current step, with a final evaluation; stop again to leave it out',
);
