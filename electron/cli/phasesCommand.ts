import type { Command } from 'commander';
import { showMix } from '../data/sampling/mix.ts';
import { lastRate, schedule, settingsOf } from '../engine/run/schedule.ts';
import { formatCount, formatRate } from '../base/format.ts';
import { resolveHome } from '../studio/home.ts';
import { defaultPatience } from '../studio/run/requests.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { preparePhaseData } from './phaseData.ts';
import { parseNumber } from './numbers.ts';
import { parseLength, parsePhase } from './phases.ts';
import { table } from './terminal/table.ts';

interface PhasesOptions {
  readonly home?: string;
  readonly add?: string[];
  readonly later?: string[];
  readonly current?: string;
  readonly timeout?: string;
  readonly json?: boolean;
}

export function addPhases(command: Command): void {
  command
    .argument('<run>', runHelp)
    .option('--add <spec...>', 'phases to append; see train --phase')
    .option('--later <spec...>', 'phases that replace all upcoming ones')
    .option(
      '--current <length>',
      'new length of the running constant phase: steps (500, 20k, 2Msteps) or tokens (10Mtok)',
    )
    .option('--timeout <seconds>', 'how long to wait for a training run to finish its step (600)')
    .option('--json', 'one JSON object')
    .action(async (id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<PhasesOptions>();
      const home = resolveHome(options.home);
      const studio = Studio.open(home);
      try {
        const { id: run } = findRun(studio, id);
        if (options.add || options.later || options.current) await change(studio, home, run, options);
        print(studio, run, options.json ?? false);
      } finally {
        studio.close();
      }
    });
}

async function change(studio: Studio, home: string, id: string, options: PhasesOptions): Promise<void> {
  const run = studio.store.runs.get(id);
  const config = studio.runs.configOf(run);
  const phasesOf = (specs: string[] = []) => preparePhaseData(home, specs.map(parsePhase), config.tokenizer);
  const later = options.later ? await phasesOf(options.later) : null;
  if (later === undefined) return;
  const current = options.current === undefined ? {} : { current: parseLength('--current', options.current) };
  const started = later || options.current ? studio.runs.startedPhases(run) : null;
  const isActive = run.state === 'training' || run.state === 'preparing';
  if (isActive) console.error('the run is training: queued for after the current step');
  const add = await phasesOf(options.add);
  if (!add) return;
  const unansweredMs =
    options.timeout === undefined ? defaultPatience.unansweredMs : 1000 * parseNumber('--timeout', options.timeout);
  await studio.training.changePhases(run, { started, ...current, later, add }, { ...defaultPatience, unansweredMs });
}

function print(studio: Studio, id: string, json: boolean): void {
  const run = studio.store.runs.get(id);
  const config = studio.runs.configOf(run);
  const phases = schedule(config);
  if (json) {
    console.log(JSON.stringify({ run: run.id, step: run.step, phases }));
    return;
  }
  const rows = phases.map((scheduled) => {
    const { phase, start, steps, length } = scheduled;
    const { optimizer, batch, evaluateEvery, checkpointEvery, mix } = settingsOf(config, phase);
    return [
      phase.kind,
      steps === length ? formatCount(steps) : `${formatCount(steps)} of ${formatCount(length)}`,
      formatCount(steps * config.tokensPerStep),
      formatRate(phase.from),
      formatRate(lastRate(scheduled)),
      optimizer,
      batch,
      showMix(mix),
      evaluateEvery,
      checkpointEvery,
      run.step <= start
        ? ''
        : run.step >= start + steps
          ? 'done'
          : `${formatCount(run.step - start)} of ${formatCount(steps)}`,
    ];
  });
  const head = ['phase', 'steps', 'tokens', 'from', 'to', 'optimizer', 'batch', 'data', 'evaluate', 'save', ''];
  console.log(table(head, rows));
}
