import { type Command, Option } from 'commander';
import { awaitDataset } from './awaitDataset.ts';
import { datasetNames, loadDatasetInfo, type Manifest } from '../data/index.ts';
import type { MixPart } from '../data/sampling/mix.ts';
import { getTokenizer, type TokenizerName } from '../data/tokenizers/index.ts';
import { parseRunConfig, partialRunConfigSchema, type RunConfig } from '../engine/run/config.ts';
import { completeDevice } from '../engine/devices/choose.ts';
import { fallback, kindOf, type RunDevice } from '../engine/devices/registry.ts';
import { findGpu } from '../engine/fit/gpus.ts';
import { loadPreset, precisionOn } from '../engine/run/presets.ts';
import { startsOf } from '../engine/run/settings.ts';
import { UsageError } from '../base/errors.ts';
import { dataTitle } from '../engine/run/schedule.ts';
import { firstIssue } from '../base/issues.ts';
import { formatBytes } from '../base/format.ts';
import { requireSameTokens } from '../studio/run/initial.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { type PositionExtension, positionExtensions } from '../engine/run/config.ts';
import { notValidated } from '../studio/run/data.ts';
import { recordPromise } from '../studio/time/promise.ts';
import { holdersAt } from '../studio/run/holders.ts';
import { requireTrainable } from '../studio/run/trainable.ts';
import { findCheckpoint } from './checkpointArgument.ts';
import { flagsGiven, meantKind, reportUnusableGpus, requireAgreement } from './device.ts';
import { dryRun } from './dryRun.ts';
import { fetchItems } from './eval.ts';
import { follow } from './follow.ts';
import { parseInteger, parseNumber, parseRate } from './numbers.ts';
import { preparePhaseData, requireNamed } from './phaseData.ts';
import { describePhases, simplePhases } from './phases.ts';
import { addTextFlags, prepareStoppable, reportNotes, type TextFlags, textOptions, tokensLine } from './preparing.ts';
import { describeTime } from './time.ts';
import { chosenTokenizer } from './tokenizer.ts';
import { addSettings, applyFlags, merge, readConfig, type Tree } from './settings.ts';

export interface TrainOptions extends TextFlags {
  readonly home?: string;
  readonly text?: string[];
  readonly dataset?: string;
  readonly tokenizer?: string;
  readonly valFraction?: string;
  readonly preset?: string;
  readonly from?: string;
  readonly extendPositions?: PositionExtension;
  readonly config?: string;
  readonly name?: string;
  readonly steps?: string;
  readonly lr?: string;
  readonly minLr?: string;
  readonly warmupSteps?: string;
  readonly wait?: boolean;
  readonly queue?: boolean;
  readonly device?: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly gpu?: string;
  readonly [flag: string]: unknown;
}

export function addTrain(command: Command): void {
  command
    .option('--text <path...>', 'text files, folders or globs to train on')
    .option('--dataset <name>', 'dataset to train on')
    .option('--tokenizer <name>', 'tokenizer: gpt2, bytes, that of a run, or a folder with tokenizer files (gpt2)')
    .option('--val-fraction <x>', 'share of the text for validation (0.1)')
    .option('--from <checkpoint>', 'initialize from RUN or RUN@STEP: fine-tuning')
    .addOption(
      new Option('--extend-positions <how>', 'extend position embeddings for a longer context').choices(
        positionExtensions,
      ),
    )
    .option('--dry-run', 'show what would be trained, its memory and how long it takes; train nothing')
    .option('--gpu <id>', 'with --dry-run: compute the time on a GPU of the table, too (see fit --help)')
    .option('--wait', 'wait for a dataset that is still being tokenized')
    .option('--queue', 'train when its turn comes, in an open studio or by `trainyard queue work`, and exit')
    .option('--preset <name>', 'start from a preset; flags and --config override it')
    .option('--config <file>', 'JSON or YAML file with settings; flags override it')
    .option('--name <text>', 'name of the run')
    .option('--steps <n>', 'optimizer steps (with --lr: warmup, then cosine; see --phase for more)')
    .option('--lr <x>', 'peak learning rate (6e-4)')
    .option('--min-lr <x>', 'final learning rate (a tenth of the peak)')
    .option('--warmup-steps <n>', 'linear warmup steps (a twentieth of the steps, 100 at most)');
  addSettings(addTextFlags(command))
    .option('--json', 'one JSON object per line instead of a progress bar')
    .action(async (_: TrainOptions, self: Command) => runTrain(self.optsWithGlobals<TrainOptions>()));
}

async function runTrain(options: TrainOptions): Promise<void> {
  const home = resolveHome(options.home);
  const own = options.tokenizer === undefined ? undefined : await chosenTokenizer(home, options.tokenizer);
  const { tree, rows } = beginningWith(home, options, settingsTree(options), own);
  if (options.wait && options.dataset !== undefined) await awaitDataset(home, options.dataset);
  const data = dataChoice(home, options, tree, own);
  // Checked before the text is read: a wrong setting is told at once.
  const draft = completeConfig(options, tree, data.tokenizer, rows);
  requireSense(draft, options, isLeftOpen(tree));
  requireNamed(home, draft);
  if (isLeftOpen(tree)) await reportUnusableGpus();
  if (options.gpu !== undefined && !options.dryRun)
    throw new UsageError('--gpu belongs to --dry-run: a run trains on this machine (--device, --gpu-index).');
  if (!options.queue) requireTrainable(home, draft, holdersAt(home, draft.device));
  if (options.dryRun) {
    const gpu = options.gpu === undefined ? undefined : findGpu(options.gpu);
    return dryRun({ home, config: draft, gpu, json: options.json ?? false });
  }
  const dataset = await data.load();
  if (!dataset) return;
  if (draft.evaluation.hellaswagEvery > 0) await fetchItems(home);
  const studio = Studio.open(home);
  try {
    const phases = await preparePhaseData(home, draft.phases, data.tokenizer);
    if (!phases) return;
    const config = { ...draft, phases, dataset: dataset.name };
    const name = options.name ?? dataTitle(config);
    const { here } = await studio.time.estimate(config);
    const run = await (options.queue
      ? studio.runs.createQueued(config, name)
      : studio.runs.create(config, name, { onMade: (id) => void studio.jobs.addTraining(id) }));
    if (here) recordPromise(studio.store, run.id, here);
    if (!options.json) {
      console.error(`dataset ${tokensLine(dataset)}`);
      if (data.isMade) reportNotes(dataset);
      for (const line of describePhases(draft)) console.error(line);
      for (const note of notValidated(home, config)) console.error(note);
      if (here) console.error(`time ${describeTime(here)}`);
    }
    if (options.queue) return console.log(options.json ? JSON.stringify({ run: run.id }) : `${run.id}: queued`);
    await follow(studio, run, studio.training.start(run), options.json ?? false);
  } finally {
    studio.close();
  }
}

/**
 * The shape and the tokens of the model that a run begins with, under what is asked for besides.
 * @returns `rows`: of its vocabulary, which may be padded
 */
function beginningWith(
  home: string,
  options: TrainOptions,
  tree: Tree,
  own: TokenizerName | undefined,
): { tree: Tree; rows?: number } {
  const { from, extendPositions: positions } = options;
  if (from === undefined) {
    if (positions !== undefined) throw new UsageError('--extend-positions belongs to --from.');
    return { tree };
  }
  const studio = Studio.open(home);
  try {
    const { run, step } = findCheckpoint(studio, from);
    const { model, tokenizer } = studio.runs.configOf(run);
    // Said before the text is read in tokens that the model doesn't know.
    if (own !== undefined) requireSameTokens(own, tokenizer);
    const { vocabSize: rows, ...shape } = model;
    const init = { run: run.id, step, ...(positions ? { positions } : {}) };
    // A preset's tokenizer is no wish: the model's is the only one that makes sense.
    return { tree: { ...merge({ model: shape }, { ...tree, init }), tokenizer }, rows };
  } finally {
    studio.close();
  }
}

/** Preset, then config file, then flags: later ones win. */
function settingsTree(options: TrainOptions): Tree {
  const preset = options.preset === undefined ? {} : (loadPreset(options.preset).config as Tree);
  const file = options.config === undefined ? {} : readConfig(options.config);
  checkTree(file, options.config);
  const tree = applyFlags(merge(preset, file), options);
  const device = tree.device as Tree | undefined;
  // Who names a GPU means it, whatever a preset or a file says.
  const meant = options.device === undefined ? meantKind(options) : undefined;
  if (meant !== undefined) device!.kind = meant;
  requireAgreement(device?.kind, options);
  return tree;
}

/** @throws UsageError when flags say what the device that is taken, or the precision, has no use for */
function requireSense({ device, precision }: RunConfig, options: TrainOptions, isDefault: boolean): void {
  const given = flagsGiven(options);
  const other = given.find((flag) => flag.kind !== device.kind);
  if (other && isDefault && device.kind === fallback.kind)
    throw new UsageError(
      `${other.name} belongs to ${kindOf(other.kind).noun}, and this run would train on ${fallback.noun}: leave it out.`,
    );
  requireAgreement(device.kind, options);
  const rounded = given.find((flag) => flag.precision !== undefined && flag.precision !== precision);
  if (rounded)
    throw new UsageError(
      `${rounded.name} belongs to --precision ${rounded.precision}, not to ${precision}: leave one out.`,
    );
}

/** Whether nobody says what it trains on. */
function isLeftOpen(tree: Tree): boolean {
  const { kind, gpu } = (tree.device as Tree | undefined) ?? {};
  return kind === undefined && gpu === undefined;
}

/** @throws UsageError when a setting in a config file is not known or of a wrong type, whatever flags say over it */
function checkTree(tree: Tree, file: string | undefined): void {
  const result = partialRunConfigSchema.safeParse(tree);
  if (result.success) return;
  const { name, message } = firstIssue(result.error, 'the whole');
  throw new UsageError(`Bad setting ${name} in ${file}: ${message}.`);
}

interface DataChoice {
  readonly tokenizer: TokenizerName;
  /** Whether it is made of text, rather than there already. */
  readonly isMade: boolean;
  /** Opens the dataset, or makes it. @returns undefined when it was stopped while it was made */
  load(): Promise<Manifest | undefined>;
}

/** What belongs to text, and not to a dataset that is prepared. */
const textFlags = [
  ['tokenizer', '--tokenizer'],
  ['valFraction', '--val-fraction'],
  ['splitOn', '--split-on'],
  ['skipBadFiles', '--skip-bad-files'],
] as const;

function dataChoice(home: string, options: TrainOptions, tree: Tree, own: TokenizerName | undefined): DataChoice {
  const name =
    options.dataset ?? (options.text ? undefined : ((tree.dataset as string | undefined) ?? firstOf(tree.mix)));
  if (name !== undefined) {
    if (options.text) throw new UsageError('Give --text or --dataset, not both.');
    for (const [flag, shown] of textFlags) {
      if (options.dataset === undefined || options[flag] === undefined) continue;
      throw new UsageError(`${shown} belongs to --text: the dataset ${name} is already tokenized.`);
    }
    const manifest = loadDatasetInfo(home, name);
    return { tokenizer: manifest.tokenizer, isMade: false, load: async () => manifest };
  }
  const inputs = options.text;
  if (!inputs) {
    const known = datasetNames(home);
    const hint = known.length > 0 ? ` Datasets: ${known.join(', ')}.` : '';
    throw new UsageError(`There is nothing to train on: give --text FILE or --dataset NAME.${hint}`);
  }
  const tokenizer = own ?? (tree.tokenizer as TokenizerName | undefined) ?? 'gpt2';
  const fraction =
    options.valFraction === undefined ? {} : { valFraction: parseNumber('--val-fraction', options.valFraction) };
  const onProgress = options.json ? undefined : preparing();
  return {
    tokenizer,
    isMade: true,
    load: () =>
      prepareStoppable({
        home,
        inputs,
        tokenizer,
        ...fraction,
        ...textOptions(options),
        ...(onProgress ? { onProgress } : {}),
      }),
  };
}

/** A mix without a dataset beside it is validated on its first part. */
const firstOf = (mix: unknown): string | undefined => (mix as MixPart[] | undefined)?.[0]?.dataset;

/** Tells how far the reading of a long text is, at most once a second. */
function preparing(): (progress: { doneBytes: number; totalBytes: number }) => void {
  let last = Date.now();
  return ({ doneBytes, totalBytes }) => {
    if (Date.now() - last < 1000) return;
    last = Date.now();
    console.error(`tokenizing: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`);
  };
}

/**
 * The config but for the dataset's name, which is known when the dataset is made.
 * @param rows of the vocabulary, where they are not the tokenizer's: those of the model that it begins with
 */
function completeConfig(options: TrainOptions, tree: Tree, tokenizer: TokenizerName, rows?: number): RunConfig {
  const vocabSize = rows ?? getTokenizer(tokenizer).vocabSize;
  const model: Tree = { ...startsOf('model'), ...((tree.model as Tree) ?? {}), vocabSize };
  const batch = (tree.batch as number | undefined) ?? startsOf('training').batch!;
  const tokensPerStep = tree.tokensPerStep ?? batch * (model.contextLength as number);
  const phases = tree.phases !== undefined && !givesPhases(options) ? tree.phases : phasesOf(options);
  const device = completeDevice(tree.device as Tree | undefined);
  const preset = options.preset === undefined ? undefined : loadPreset(options.preset);
  const precision = tree.precision ?? (preset && precisionOn(preset, device.kind as RunDevice));
  return parseRunConfig({
    ...tree,
    ...(precision ? { precision } : {}),
    device,
    model,
    batch,
    tokensPerStep,
    phases,
    dataset: 'to be made',
    tokenizer,
  });
}

/** Whether flags describe the usual two phases, over those of a preset or a config. */
function givesPhases(options: TrainOptions): boolean {
  const given = [options.steps, options.lr, options.minLr, options.warmupSteps].some((o) => o !== undefined);
  if (given && options.phase !== undefined) {
    throw new UsageError('Give --phase, or --steps, --lr, --min-lr and --warmup-steps, not both.');
  }
  return given;
}

function phasesOf(options: TrainOptions) {
  const steps = parseInteger('--steps', options.steps ?? '1000', 1);
  const peak = parseRate('--lr', options.lr ?? '6e-4');
  const min = options.minLr === undefined ? peak / 10 : parseRate('--min-lr', options.minLr);
  const defaultWarmup = Math.min(100, Math.floor(steps / 20));
  const warmupSteps =
    options.warmupSteps === undefined ? defaultWarmup : parseInteger('--warmup-steps', options.warmupSteps);
  return simplePhases({ steps, peak, warmupSteps, min });
}
