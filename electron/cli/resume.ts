import { formatCount } from '../base/format.ts';
import { type Command, Option } from 'commander';
import { type LowBitStates, lowBitStates } from '../engine/optimizers/index.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, reportNotice } from './device.ts';
import { follow } from './follow.ts';

export function addResume(command: Command): void {
  command.argument('<run>', runHelp);
  addDeviceFlags(command, "replaces the run's")
    .addOption(
      new Option(
        '--low-bit-states <kind>',
        'from here on, see train --low-bit-states (as the run says; stable where it says nothing)',
      ).choices(lowBitStates),
    )
    .option('--json', 'one JSON object per line instead of a progress bar')
    .action(async (id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<
        { home?: string; json?: boolean; lowBitStates?: LowBitStates } & DeviceFlags
      >();
      const device = chosenDevice(options);
      const studio = Studio.open(resolveHome(options.home));
      try {
        const run = findRun(studio, id);
        const { handle, step, refused, notice } = await studio.training.resume(run, device, options.lowBitStates);
        if (notice !== null) reportNotice(run.id, notice, options.json ?? false);
        for (const { dir, reason } of refused) console.error(`refused ${dir}: ${reason}`);
        if (refused.length > 0) console.error(`resuming from the one before: step ${formatCount(step)}`);
        await follow(studio, run, handle, options.json ?? false);
      } finally {
        studio.close();
      }
    });
}
