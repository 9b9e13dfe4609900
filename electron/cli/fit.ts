import { type Command, Option } from 'commander';
import { advise, matrixSteps } from '../engine/fit/advice.ts';
import { type FitConfig, fit, largestThatFits, withDimension } from '../engine/fit/fit.ts';
import { findGpu, gpus } from '../engine/fit/gpus.ts';
import { parameterCount } from '../engine/models/index.ts';
import { lowBitStates, optimizerKinds } from '../engine/optimizers/index.ts';
import type { Plan } from '../engine/program/planner.ts';
import { type Precision, precisions } from '../engine/program/types.ts';
import { defaultDevice, type DeviceChoice, gpuDevice, numbered } from '../engine/devices/choose.ts';
import { gpuKind } from '../engine/devices/registry.ts';
import { UsageError, UserError } from '../base/errors.ts';
import { formatBytes, formatCount, plural } from '../base/format.ts';
import { type BudgetPart, machineBudget, sizedBudget } from '../studio/budget.ts';
import { locateHome } from '../studio/home.ts';
import { describePlan } from '../studio/planning/describe.ts';
import { holdersAt } from '../studio/run/holders.ts';
import { fitSuggest, suggestedTimes } from './fitSuggest.ts';
import { fitTime, printTime } from './fitTime.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { planned } from './planned.ts';
import { type PresetFlags, presetSettings } from './presetSettings.ts';
import { table } from './terminal/table.ts';

interface FitOptions extends PresetFlags {
  readonly home?: string;
  readonly gpu?: string;
  readonly memory?: string;
  readonly reserve?: string;
  readonly solve?: 'layers' | 'context' | 'batch';
  readonly matrix?: boolean;
  readonly measure?: boolean;
  readonly suggest?: boolean;
  readonly for?: string;
  readonly json?: boolean;
}

export function addFit(command: Command): void {
  command
    .option('--preset <name>', 'start from a preset', 'gpt2')
    .option('--layers <n>', 'transformer blocks')
    .option('--heads <n>', 'attention heads')
    .option('--width <n>', 'embedding dim (width of the residual stream)')
    .option('--context <n>', 'context length in tokens')
    .option('--batch <n>', 'sequences in a micro-batch')
    .addOption(
      new Option('--recompute <policy>', 'activation checkpointing: what the backward pass recomputes').choices([
        'none',
        'attention',
        'block',
      ]),
    )
    .addOption(new Option('--precision <type>', 'of activations and half-precision weights').choices([...precisions]))
    .addOption(new Option('--optimizer <kind>', 'format of the moments').choices([...optimizerKinds]))
    .addOption(
      new Option('--low-bit-states <kind>', 'paper: low-bit moments for embeddings, too (stable)').choices([
        ...lowBitStates,
      ]),
    )
    .addOption(new Option('--tokenizer <name>', 'decides the vocabulary').choices(['gpt2', 'bytes']))
    .option('--gpu <id>', `target GPU: here (this machine's), here:1 (its second), ${gpus.map((g) => g.id).join(', ')}`)
    .option('--memory <GiB>', 'memory budget, instead of a GPU')
    .option('--reserve <MiB>', 'reserved for driver and display (512; here: as measured by the last run)')
    .addOption(
      new Option('--solve <dimension>', 'maximize this dimension within memory').choices([
        'layers',
        'context',
        'batch',
      ]),
    )
    .option('--matrix', 'memory for every optimizer, precision and checkpointing policy, at several micro-batch sizes')
    .option('--suggest', 'list what the GPU, or this machine, can train at the context length in a time, best first')
    .option('--for <time>', `with --suggest: ${suggestedTimes}, or hours (night)`)
    .option('--measure', 'time a few real steps on this machine, to estimate training time')
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runFit(self.optsWithGlobals<FitOptions>()));
}

/** Flags that make a model another one than its preset's. */
const shapes = ['layers', 'heads', 'width', 'context', 'tokenizer', 'solve'] as const;

async function runFit(options: FitOptions): Promise<void> {
  const { config: asked, ...recipe } = presetSettings(
    options,
    options.gpu === undefined ? undefined : gpuKind.recipePrecision,
  );
  if (options.for !== undefined && !options.suggest) throw new UsageError('--for belongs to --suggest.');
  if (options.suggest) return suggest(options, asked);
  let config: FitConfig = asked;
  const budget = budgetOf(options);
  if (budget && budget.bytes <= 0 && options.reserve !== undefined)
    throw new UsageError(`The reserve leaves nothing of ${budget.name}: give a smaller --reserve.`);
  let solved: number | undefined;
  if (options.solve) {
    if (!budget) throw new UsageError('--solve needs something to fit: give --gpu ID or --memory GIB.');
    solved = largestThatFits(config, options.solve, budget.bytes, budget.hostBytes);
    if (solved === 0) {
      const smallest = withDimension(config, options.solve, 1);
      const held = heldByOthers(fit(smallest), budget, options);
      if (held !== undefined) throw new UserError(`Nothing fits what is free of ${budget.name}: ${held}.`);
      const min = formatBytes(fit(smallest).totalBytes);
      throw new UsageError(
        `Nothing fits ${budget.name}: even with ${options.solve} 1 the step needs ${min}, and ${formatBytes(Math.max(0, budget.bytes))} are free.`,
      );
    }
    config = withDimension(config, options.solve, solved);
  }
  if (options.matrix) {
    await printMatrix(config, budget, options);
    return;
  }
  const plan = fit(config);
  const { home, gpu: named, measure: isToMeasure = false } = options;
  const gpu = named === undefined || isHere(named) ? undefined : findGpu(named);
  const isRecipe = shapes.every((flag) => options[flag] === undefined);
  const device = named !== undefined && isHere(named) ? gpuHere(named) : undefined;
  const time = await fitTime(config, recipe, isRecipe, { home, gpu, device, isToMeasure });
  if (options.json) {
    console.log(
      JSON.stringify({
        config,
        parameters: parameterCount(config.model),
        ...planJson(plan),
        budget,
        solved,
        time,
        advice: budget && !fits(plan, budget) ? waysToFit(config, budget) : [],
      }),
    );
    return;
  }
  print(config, plan, budget, options, solved);
  printTime(time);
}

/** Flags that --suggest finds values for, or that ask for something else. */
const notWithSuggest = [
  'memory',
  'solve',
  'matrix',
  'measure',
  'layers',
  'heads',
  'width',
  'batch',
  'recompute',
  'optimizer',
] as const;

function suggest(options: FitOptions, { model }: FitConfig): Promise<void> {
  const other = notWithSuggest.find((flag) => options[flag] !== undefined);
  if (other) throw new UsageError(`--suggest does not go with --${other}: it looks for what fits a GPU.`);
  const { home, gpu: named, json = false, reserve = '512', for: time = 'night' } = options;
  const isTable = named !== undefined && !isHere(named);
  return fitSuggest({
    ...{ home, model, time, json },
    gpu: isTable ? findGpu(named) : undefined,
    device: named !== undefined && isHere(named) ? gpuHere(named) : undefined,
    precision: options.precision as Precision | undefined,
    reserveBytes: parseInteger('--reserve', reserve) * 2 ** 20,
  });
}

interface Budget {
  readonly name: string;
  readonly totalBytes: number;
  readonly reserveBytes: number;
  readonly parts: readonly BudgetPart[];
  readonly bytes: number;
  /** For what is paged, where that is known. */
  readonly hostBytes?: number;
}

function budgetOf(options: FitOptions): Budget | undefined {
  const budget = memoryOf(options);
  if (!budget) return undefined;
  const { isApart: _, ...rest } = budget;
  return { ...rest, bytes: budget.totalBytes - budget.reserveBytes };
}

const fits = ({ totalBytes, hostBytes }: Plan, budget: Budget): boolean =>
  totalBytes <= budget.bytes && hostBytes <= (budget.hostBytes ?? Number.POSITIVE_INFINITY);

const waysToFit = (config: FitConfig, { bytes, hostBytes }: Budget) => advise(config, bytes, { hostBytes });

/** What gives back the memory of this machine's GPU where a plan would fit, did nobody else hold some of it. */
function heldByOthers({ totalBytes }: Plan, budget: Budget, { home, gpu }: FitOptions): string | undefined {
  const others = budget.parts.find(({ role }) => role === 'others')?.bytes ?? 0;
  if (totalBytes <= budget.bytes || totalBytes > budget.bytes + others) return undefined;
  const device = gpuHere(gpu!);
  const neededBytes = totalBytes + budget.reserveBytes - others;
  return gpuKind.gpus.relief(device.gpu, neededBytes, holdersAt(locateHome(home), device));
}

function memoryOf({ home, gpu, memory, reserve }: FitOptions) {
  const reserveBytes = parseInteger('--reserve', reserve ?? '512') * 2 ** 20;
  if (gpu !== undefined && memory !== undefined) throw new UsageError('Give --gpu or --memory, not both.');
  if (reserve !== undefined && gpu === undefined && memory === undefined)
    throw new UsageError('--reserve belongs to --gpu or --memory: give one of them too.');
  if (gpu !== undefined && isHere(gpu)) {
    const given = reserve === undefined ? undefined : reserveBytes;
    return machineBudget(locateHome(home), gpuHere(gpu), given);
  }
  if (gpu !== undefined) {
    const { name, memoryMiB } = findGpu(gpu);
    return sizedBudget(name, memoryMiB * 2 ** 20, reserveBytes);
  }
  if (memory === undefined) return undefined;
  const gib = parseNumber('--memory', memory);
  if (gib <= 0) throw new UsageError(`--memory needs more than 0 GiB, not "${memory}".`);
  return sizedBudget(`${memory} GiB`, gib * 2 ** 30, reserveBytes);
}

const isHere = (gpu: string): boolean => /^here(:|$)/i.test(gpu);

/** @param named `here`: the one that a run would take; or `here:N` */
function gpuHere(named: string): DeviceChoice & { readonly gpu: number } {
  const [, ordinal, ...more] = named.split(':');
  if (more.length > 0) throw new UsageError(`--gpu here:N takes one number, not "${named}".`);
  if (ordinal !== undefined) return gpuDevice(parseInteger('--gpu here:', ordinal));
  const { kind, gpu } = numbered(defaultDevice());
  if (gpu !== undefined) return { kind, gpu };
  const { gpus: found, problem } = gpuKind.gpus.find();
  const reason = problem ?? found.map((g) => g.problem).join('; ');
  throw new UserError(`${reason}. Name one of the table, or give --memory GIB.`);
}

/** What the rows of a budget are called. */
function partName({ role, source }: BudgetPart): string {
  if (role === 'others') return 'other processes';
  if (role === 'kernels') return 'reserved (kernels, CUDA graphs)';
  if (source === 'given') return 'driver and display';
  return source === 'measured' ? 'driver (measured by the last run)' : 'driver (assumed, not measured yet)';
}

const planJson = (p: Plan) => ({
  totalBytes: p.totalBytes,
  hostBytes: p.hostBytes,
  roleBytes: p.roleBytes,
  peak: p.peak && { program: p.peak.program, kind: p.peak.call.kind, scope: p.peak.call.scope },
});

function print(config: FitConfig, plan: Plan, budget: Budget | undefined, options: FitOptions, solved?: number): void {
  const { model, batch, recompute } = config;
  console.log(
    `${plural(model.nLayer, 'layer')}, ${plural(model.nHead, 'head')}, embedding dim ${model.nEmbd}, context ${model.contextLength}, batch ${batch}, ` +
      `${config.precision}, ${config.optimizer}${config.lowBitStates === 'paper' ? " by its paper's formula" : ''}, recompute ${recompute}: ${formatCount(parameterCount(model))} parameters`,
  );
  if (options.solve) console.log(`the largest ${options.solve} that fits ${budget!.name}: ${solved}`);
  const rows: [string, number][] = Object.entries(plan.roleBytes).filter(
    ([role, bytes]) => bytes > 0 && role !== 'paged',
  );
  rows.push(['total on the device', plan.totalBytes]);
  if (budget) {
    const left = budget.bytes - plan.totalBytes;
    rows.push(...budget.parts.map((part): [string, number] => [partName(part), part.bytes]));
    rows.push([budget.name, budget.totalBytes]);
    rows.push([left >= 0 ? 'fits, free' : 'OVER BUDGET by', Math.abs(left)]);
  }
  if (plan.hostBytes > 0) rows.push(['paged, in host RAM', plan.hostBytes]);
  if (budget?.hostBytes !== undefined && plan.hostBytes > budget.hostBytes) {
    rows.push(['host RAM, free now', budget.hostBytes]);
    rows.push(['OVER HOST RAM by', plan.hostBytes - budget.hostBytes]);
  }
  const cells = rows.map(([what, bytes]) => [what, formatCount(bytes), formatBytes(bytes)]);
  console.log(table(['memory', 'bytes', ''], cells));
  if (plan.peak) {
    const { call, program } = plan.peak;
    console.log(`peak: ${call.kind}${call.scope ? ` of ${call.scope}` : ''} in ${program}`);
  }
  if (!budget || fits(plan, budget)) return;
  const held = heldByOthers(plan, budget, options);
  if (held !== undefined) console.log(`other processes use the memory it needs: ${held}`);
  printAdvice(config, budget, held !== undefined);
}

function printAdvice(config: FitConfig, budget: Budget, isHeld: boolean): void {
  const ways = waysToFit(config, budget);
  if (ways.length === 0 && isHeld) return;
  if (ways.length === 0) {
    console.log('this model fits only with a shorter context, fewer layers or a smaller embedding dim: see --solve');
    return;
  }
  const rows = ways.map(({ changes, savedBytes, totalBytes, extraFlops, pagedBytes }) => [
    changes.join(', '),
    formatBytes(savedBytes),
    formatBytes(totalBytes),
    `${(100 * extraFlops).toFixed(1)} %`,
    pagedBytes > 0 ? formatBytes(pagedBytes) : '',
  ]);
  const head = ['ways to fit, cheapest first', 'saves', 'total', 'compute', 'paged per step'];
  console.log(`\n${table(head, rows)}`);
}

const matrixBatches = [1, 2, 4, 8];

async function printMatrix(config: FitConfig, budget: Budget | undefined, { home, json }: FitOptions): Promise<void> {
  const title = describePlan('matrix', { config });
  const rows = await planned(home, title, matrixSteps(config, matrixBatches));
  if (json) {
    console.log(JSON.stringify({ config, budget, batches: matrixBatches, rows }));
    return;
  }
  const cell = (bytes: number) => `${formatBytes(bytes)}${budget ? (bytes <= budget.bytes ? ' ✓' : ' –') : ''}`;
  const head = ['optimizer', 'precision', 'recompute', ...matrixBatches.map((b) => `batch ${b}`)];
  console.log(
    table(
      head,
      rows.map((r) => [
        r.optimizer,
        r.precision === 'f16' ? 'f16, bf16' : r.precision,
        r.recompute,
        ...r.totalBytes.map(cell),
      ]),
    ),
  );
  if (budget)
    console.log(`✓ fits the ${formatBytes(Math.max(0, budget.bytes))} of ${budget.name} that the reserve leaves`);
}
