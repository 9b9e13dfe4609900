import { listedState } from '../base/states.ts';
import type { Command } from 'commander';
import { formatLoss, formatShort } from '../base/format.ts';
import type { RunConfig } from '../engine/run/config.ts';
import { allValidationBytesPerToken, bestBitsPerByte } from '../studio/evals.ts';
import { resolveHome } from '../studio/home.ts';
import { recoverStore } from '../studio/store/index.ts';
import { Studio } from '../studio/studio.ts';
import { table } from './terminal/table.ts';

const shownLoss = (loss: number | null): string => (loss === null ? '' : formatLoss(loss, 3));

export function addRuns(command: Command): void {
  command
    .option('--all', 'include archived runs')
    .option('--recover', 'recover runs missing from the database, from their folders and what is left of it')
    .option('--json', 'one JSON object per line')
    .action((_: unknown, self: Command) => {
      const options = self.optsWithGlobals<{ home?: string; all?: boolean; recover?: boolean; json?: boolean }>();
      const home = resolveHome(options.home, options.recover ? 'write' : 'read');
      if (options.recover) recover(home);
      const studio = Studio.look(home);
      try {
        const runs = studio.store.runs.list(options.all ? {} : { archived: false });
        if (options.json) {
          for (const run of runs) console.log(JSON.stringify(run));
          return;
        }
        if (runs.length === 0) {
          console.log(
            'There are no runs yet: `trainyard train --text FILE` starts one, `trainyard demo` runs an example.',
          );
          return;
        }
        const head = [
          'run',
          'name',
          'state',
          'step',
          'loss (nats/token)',
          'best val loss',
          'bits/byte',
          'tokenizer',
          'tokens',
          'created',
        ];
        const known = allValidationBytesPerToken(studio.store);
        const rows = runs.map((r) => [
          r.id,
          r.name,
          listedState(r),
          `${r.step}/${r.stepsTotal ?? '?'}`,
          shownLoss(r.lastLoss),
          shownLoss(r.bestValLoss),
          shownLoss(bestBitsPerByte(r, known.get(r.id) ?? null)),
          (r.config as RunConfig).tokenizer,
          formatShort(r.tokensSeen),
          new Date(r.createdAt).toISOString().slice(0, 16).replace('T', ' '),
        ]);
        // Apart from the table, whose last line is a run's: scripts read it.
        if (new Set(runs.map((r) => (r.config as RunConfig).tokenizer)).size > 1)
          console.error('Losses are in nats/token: across tokenizers compare bits/byte.');
        console.log(table(head, rows));
      } finally {
        studio.close();
      }
    });
}

function recover(home: string): void {
  const reported = recoverStore(home);
  for (const line of reported) console.error(`trainyard: ${line}`);
  if (reported.length === 0) console.error('trainyard: The database is sound, and no run is missing.');
}
