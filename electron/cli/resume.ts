import { type Command, Option } from 'commander';
import { type LowBitStates, lowBitStates } from '../engine/optimizers/index.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, tellNotice } from './device.ts';
import { follow } from './follow.ts';

export function addResume(program: Command): void {
  const command = program
    .command('resume')
    .description('go on with a run from its last checkpoint, to the same bit as if it had never stopped')
    .argument('<run>', runHelp);
  addDeviceFlags(command, "the run's, which another one takes the place of")
    .addOption(
      new Option(
        '--low-bit-states <kind>',
        'from here on, see train --low-bit-states (as the run says; stable where it says nothing)',
      ).choices(lowBitStates),
    )
    .option('--json', 'one JSON object a line instead of a progress bar')
    .action(async (id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<
        { home?: string; json?: boolean; lowBitStates?: LowBitStates } & DeviceFlags
      >();
      const device = chosenDevice(options);
      const studio = Studio.open(resolveHome(options.home));
      try {
        const run = findRun(studio, id);
        const { handle, step, refused, notice } = await studio.resume(run, device, options.lowBitStates);
        if (notice !== null) tellNotice(run.id, notice, options.json ?? false);
        for (const { dir, reason } of refused) console.error(`refused ${dir}: ${reason}`);
        if (refused.length > 0) console.error(`going on from the one before: step ${step}`);
        await follow(studio, run, handle, options.json ?? false);
      } finally {
        studio.close();
      }
    });
}
