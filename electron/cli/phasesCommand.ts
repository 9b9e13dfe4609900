import type { Command } from 'commander';
import { schedule } from '../engine/trainer/schedule.ts';
import { formatCount } from '../format.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { parsePhase } from './phases.ts';
import { table } from './terminal/table.ts';

export function addPhases(program: Command): void {
  program
    .command('phases')
    .description('show the phases of a run, or change those that it has not begun')
    .argument('<run>', "a run's id, the beginning of it, or its name")
    .option('--add <spec...>', 'phases to train after all others; see train --phase')
    .option('--later <spec...>', 'phases in the place of all that have not begun')
    .option('--json', 'one JSON object')
    .action((id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<{ home?: string; add?: string[]; later?: string[]; json?: boolean }>();
      const studio = Studio.open(resolveHome(options.home));
      try {
        const run = studio.store.getRun(id);
        const [add, later] = [options.add?.map(parsePhase), options.later?.map(parsePhase)];
        const changed = add || later ? studio.changePhases(run, { later: later ?? null, add: add ?? [] }) : run;
        print(studio, changed.id, options.json ?? false);
      } finally {
        studio.close();
      }
    });
}

function print(studio: Studio, id: string, json: boolean): void {
  const run = studio.store.getRun(id);
  const config = studio.configOf(run);
  const phases = schedule(config);
  if (json) {
    console.log(JSON.stringify({ run: run.id, step: run.step, phases }));
    return;
  }
  const rows = phases.map(({ phase, start, steps }) => [
    phase.kind,
    formatCount(steps),
    formatCount(steps * config.tokensPerStep),
    phase.from,
    phase.to,
    phase.optimizer ?? config.optimizer.kind,
    run.step <= start ? '' : run.step >= start + steps ? 'done' : `at step ${formatCount(run.step - start)}`,
  ]);
  console.log(table(['phase', 'steps', 'tokens', 'from', 'to', 'optimizer', ''], rows));
}
