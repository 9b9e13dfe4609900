import fs from 'node:fs';
import type { Command } from 'commander';
import { isInTheMaking } from '../data/prepare/unfinished.ts';
import { datasetNames } from '../data/index.ts';
import type { TokenizerName } from '../data/tokenizers/index.ts';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import type { Phase } from '../engine/run/config.ts';
import type { PhaseChange } from '../engine/run/phaseChange.ts';
import { exampleOptimizer } from '../engine/optimizers/index.ts';
import { UsageError } from '../base/errors.ts';
import { formatCount } from '../base/format.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import type { Resumed } from '../studio/training.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, reportNotice } from './device.ts';
import { follow } from './follow.ts';
import { parseMix } from './mix.ts';
import { describePhases, parsePhase } from './phases.ts';
import { addTextFlags, prepareStoppable, reportNotes, type TextFlags, textOptions, tokensLine } from './preparing.ts';
import { parseSubset } from './subset.ts';

interface ContinueOptions extends DeviceFlags, TextFlags {
  readonly home?: string;
  readonly data?: string[];
  readonly subset?: string;
  readonly mix?: string;
  readonly phase?: string[];
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addContinue(command: Command): void {
  command
    .argument('<run>', runHelp)
    .option(
      '--phase <spec...>',
      `as of train --phase, such as constant:1Btok:9e-5:${exampleOptimizer}; default: what was left of a run that was stopped early`,
    )
    .option(
      '--data <inputs...>',
      'a dataset, or files to tokenize; default: what each phase says, or the run’s dataset',
    )
    .option('--subset <range>', 'subset of its documents (hash range), such as 50-80%')
    .option('--mix <parts>', 'several datasets instead, with parts and weights, such as books@0-50%*3+web')
    .option('--wait', 'wait for datasets that are still being tokenized');
  addDeviceFlags(addTextFlags(command), "replaces the run's")
    .option('--json', 'one JSON object per line instead of a progress bar')
    .action((id: string, _: unknown, self: Command) => run(id, self.optsWithGlobals<ContinueOptions>()));
}

async function run(id: string, options: ContinueOptions): Promise<void> {
  const { data, mix, subset, json = false } = options;
  if (!options.phase && (data || mix !== undefined || subset !== undefined))
    throw new UsageError('Give --phase, too: it says how long to train on the data.');
  if (mix !== undefined && (data || subset !== undefined))
    throw new UsageError('Give --mix, or --data and --subset, not both.');
  const phases = options.phase?.map(parsePhase);
  const device = chosenDevice(options);
  const studio = Studio.open(resolveHome(options.home));
  try {
    const { id: runId } = findRun(studio, id);
    const resumed = phases
      ? await withPhases(studio, runId, phases, options, device)
      : await studio.training.finish(studio.store.runs.get(runId), device);
    if (!resumed) return;
    const { handle, step, refused, notice } = resumed;
    for (const { dir, reason } of refused) console.error(`refused ${dir}: ${reason}`);
    if (notice !== null) reportNotice(runId, notice, json);
    if (!json) {
      console.error(`resuming from step ${formatCount(step)}`);
      const config = studio.runs.configOf(studio.store.runs.get(runId));
      for (const line of describePhases(config, step)) console.error(line);
    }
    await follow(studio, studio.store.runs.get(runId), handle, json);
  } finally {
    studio.close();
  }
}

/** Goes on with more phases. @returns undefined when making their data was stopped, or the run trains elsewhere and takes them along */
async function withPhases(
  studio: Studio,
  id: string,
  phases: readonly Phase[],
  options: ContinueOptions,
  device: DeviceChoice | undefined,
): Promise<Resumed | undefined> {
  const subset = options.subset === undefined ? {} : { subset: parseSubset('--subset', options.subset) };
  const mix = options.mix === undefined ? {} : { mix: parseMix('--mix', options.mix) };
  const { tokenizer } = studio.runs.configOf(studio.store.runs.get(id));
  const changeOf = (all: Partial<Phase>): PhaseChange => {
    // What a phase says by itself goes before what holds for all of them.
    const add = phases.map((phase): Phase =>
      phase.mix || (options.mix && namesData(phase)) ? phase : { ...all, ...phase },
    );
    return { started: null, later: null, add };
  };
  // Before data is prepared: which one is all the same to the device.
  studio.training.requireContinuable(studio.store.runs.get(id), changeOf({}), device);
  const name = options.data ? await datasetOf(studio.home, options.data, tokenizer, options) : null;
  if (name === undefined) return undefined;
  const dataset = name === null ? {} : { dataset: name };
  const change = changeOf({ ...mix, ...dataset, ...subset, ...(options.wait ? { wait: true } : {}) });
  const resumed = await studio.training.continue(studio.store.runs.get(id), change, device);
  if (resumed) return resumed;
  const { pid, stepsTotal } = studio.store.runs.get(id);
  console.log(`${id} is training in process ${pid}: it continues to step ${formatCount(stepsTotal ?? 0)}`);
  return undefined;
}

const namesData = ({ dataset, subset }: Phase): boolean => (dataset ?? subset) !== undefined;

/** The name of a dataset, made of files where it is not there. @returns undefined when that was stopped */
async function datasetOf(
  home: string,
  inputs: readonly string[],
  tokenizer: TokenizerName,
  options: ContinueOptions,
): Promise<string | undefined> {
  const [first] = inputs;
  if (inputs.length === 1 && datasetNames(home).includes(first!)) return first!;
  if (inputs.length === 1 && isInTheMaking(home, first!)) {
    if (options.wait) return first!;
    throw new UsageError(`The dataset ${first} is not finished: give --wait, or see \`trainyard data list\`.`);
  }
  const missing = inputs.find((i) => i !== '-' && !fs.existsSync(i) && !/[*?[{]/.test(i));
  if (missing !== undefined)
    throw new UsageError(`There is no dataset and no file ${missing}: see \`trainyard data list\`.`);
  const made = await prepareStoppable({ home, inputs, tokenizer, ...textOptions(options) });
  if (!made) return undefined;
  console.error(`dataset ${tokensLine(made)}`);
  reportNotes(made);
  return made.name;
}
