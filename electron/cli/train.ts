import { type Command, Option } from 'commander';
import { awaitDataset } from './awaitDataset.ts';
import { datasetNames, loadDatasetInfo, type Manifest } from '../data/index.ts';
import type { MixPart } from '../data/mix.ts';
import { getTokenizer, type TokenizerName } from '../data/tokenizers/index.ts';
import { parseRunConfig, partialRunConfigSchema, type RunConfig } from '../engine/config.ts';
import { completeDevice } from '../engine/devices/usual.ts';
import { loadPreset } from '../engine/presets.ts';
import { UsageError } from '../errors.ts';
import { formatBytes } from '../format.ts';
import { requireSameTokens } from '../studio/run/initial.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { type PositionExtension, positionExtensions } from '../engine/trainer/positions.ts';
import { holdersAt } from '../studio/run/holders.ts';
import { requireTrainable } from '../studio/run/trainable.ts';
import { findCheckpoint } from './checkpointArgument.ts';
import { requireAgreement, tellUnusableGpus } from './device.ts';
import { fetchItems } from './eval.ts';
import { follow } from './follow.ts';
import { parseInteger, parseNumber, parseRate } from './numbers.ts';
import { preparePhaseData } from './phaseData.ts';
import { describePhases, simplePhases } from './phases.ts';
import { addTextFlags, prepareStoppable, tellNotes, type TextFlags, textOptions, tokensLine } from './preparing.ts';
import { chosenTokenizer } from './tokenizer.ts';
import { addSettings, applyFlags, merge, readJsonConfig, type Tree } from './settings.ts';

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
  readonly device?: string;
  readonly gpuIndex?: string;
  readonly tf32?: boolean;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train a model from scratch on text files or a prepared dataset')
    .option('--text <path...>', 'text files, folders or globs to train on')
    .option('--dataset <name>', 'a prepared dataset to train on')
    .option(
      '--tokenizer <name>',
      'how text becomes tokens: gpt2, bytes, or that of a run, or of a folder with its files (gpt2)',
    )
    .option('--val-fraction <x>', 'part of the text that is kept for validation (0.1)')
    .option('--from <checkpoint>', 'begin with the weights of RUN or RUN@STEP instead of drawing them: fine-tuning')
    .addOption(
      new Option(
        '--extend-positions <how>',
        'how a context that is longer than that model’s gets its positions',
      ).choices(positionExtensions),
    )
    .option('--wait', 'wait for the dataset, where it is being prepared still')
    .option('--preset <name>', 'start from a preset; flags and --config change it')
    .option('--config <file>', 'a JSON file with settings; flags win over it')
    .option('--name <text>', 'a name for the run')
    .option('--steps <n>', 'optimizer steps (with --lr: warm-up, then cosine; see --phase for more)')
    .option('--lr <x>', 'peak learning rate (6e-4)')
    .option('--min-lr <x>', 'learning rate of the last step (a tenth of the peak)')
    .option('--warmup-steps <n>', 'steps of linear warm-up (a twentieth of the steps, 100 at most)');
  addSettings(addTextFlags(command))
    .option('--json', 'one JSON object a line instead of a progress bar')
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
  if (isLeftOpen(tree)) await tellUnusableGpus();
  requireTrainable(home, draft, holdersAt(home, draft.device));
  const dataset = await data.load();
  if (!dataset) return;
  if (draft.evaluation.hellaswagEvery > 0) await fetchItems(home);
  const studio = Studio.open(home);
  try {
    const phases = await preparePhaseData(home, draft.phases, data.tokenizer);
    if (!phases) return;
    const run = studio.createRun({ ...draft, phases, dataset: dataset.name }, options.name ?? dataset.name);
    if (!options.json) {
      console.error(`dataset ${tokensLine(dataset)}`);
      if (data.isMade) tellNotes(dataset);
      for (const line of describePhases(draft)) console.error(line);
    }
    await follow(studio, run, studio.start(run), options.json ?? false);
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
    const { model, tokenizer } = studio.configOf(run);
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
  const file = options.config === undefined ? {} : readJsonConfig(options.config);
  checkTree(file, options.config);
  const tree = applyFlags(merge(preset, file), options);
  const device = tree.device as Tree | undefined;
  // Who names a GPU means it, whatever a preset or a file says.
  if (options.gpuIndex !== undefined && options.device === undefined) device!.kind = 'cuda';
  requireAgreement(device?.kind, options);
  return tree;
}

/** @throws UsageError when flags say what the device that is taken, or the precision, has no use for */
function requireSense({ device, precision }: RunConfig, options: TrainOptions, isUsual: boolean): void {
  if (options.tf32 && device.kind !== 'cuda' && isUsual)
    throw new UsageError('--tf32 belongs to a GPU, and this run would train on the processor: leave it out.');
  requireAgreement(device.kind, options);
  if (options.tf32 && precision !== 'f32')
    throw new UsageError(`--tf32 belongs to --precision f32, not to ${precision}: leave one out.`);
  if (options.threads !== undefined && device.kind === 'cuda')
    throw new UsageError('--threads belongs to --device cpu, not to cuda: leave one out.');
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
  const issue = result.error.issues[0]!;
  throw new UsageError(`Bad setting ${issue.path.join('.') || 'names'} in ${file}: ${issue.message}.`);
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
      throw new UsageError(`${shown} belongs to --text: the dataset ${name} is prepared already.`);
    }
    const manifest = loadDatasetInfo(home, name);
    return { tokenizer: manifest.tokenizer, isMade: false, load: async () => manifest };
  }
  const inputs = options.text;
  if (!inputs) {
    const known = datasetNames(home);
    const hint = known.length > 0 ? ` Prepared datasets: ${known.join(', ')}.` : '';
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
    console.error(`reading text: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`);
  };
}

const smallModel: Tree = { nLayer: 4, nHead: 4, nEmbd: 128, contextLength: 128 };

/**
 * The config but for the dataset's name, which is known when the dataset is made.
 * @param rows of the vocabulary, where they are not the tokenizer's: those of the model that it begins with
 */
function completeConfig(options: TrainOptions, tree: Tree, tokenizer: TokenizerName, rows?: number): RunConfig {
  const vocabSize = rows ?? getTokenizer(tokenizer).vocabSize;
  const model: Tree = { ...smallModel, ...((tree.model as Tree) ?? {}), vocabSize };
  const batch = (tree.batch as number | undefined) ?? 8;
  const tokensPerStep = tree.tokensPerStep ?? batch * (model.contextLength as number);
  const phases = tree.phases !== undefined && !givesPhases(options) ? tree.phases : phasesOf(options);
  const device = completeDevice(tree.device as Tree | undefined);
  return parseRunConfig({ ...tree, device, model, batch, tokensPerStep, phases, dataset: 'to be made', tokenizer });
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
  const least = options.minLr === undefined ? peak / 10 : parseRate('--min-lr', options.minLr);
  const usual = Math.min(100, Math.floor(steps / 20));
  const warmupSteps = options.warmupSteps === undefined ? usual : parseInteger('--warmup-steps', options.warmupSteps);
  return simplePhases({ steps, peak, warmupSteps, least });
}
