import { defaultDevice, measureDevices } from '../engine/devices/choose.ts';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import { kindOf } from '../engine/devices/registry.ts';
import type { Gpu } from '../engine/fit/gpus.ts';
import { gpuRecipePrecision, type KnownSpeed } from '../engine/fit/speed.ts';
import { type Suggestion, suggestSteps } from '../engine/fit/suggest.ts';
import type { ModelConfig } from '../engine/models/index.ts';
import type { Precision } from '../engine/program/types.ts';
import { UsageError, UserError } from '../base/errors.ts';
import { formatCount, formatDigits, formatDuration, formatShort, plural } from '../base/format.ts';
import { machineBudget, type MemoryBudget, sizedBudget } from '../studio/budget.ts';
import { locateHome, resolveHome } from '../studio/home.ts';
import { describePlan } from '../studio/planning/describe.ts';
import { speedOfSheet } from '../studio/time/estimate.ts';
import { planned } from './planned.ts';
import { table } from './terminal/table.ts';

/** How long people let a machine train, in hours. */
const times = { evening: 4, night: 10, week: 168 } as const;
export const suggestedTimes = Object.entries(times)
  .map(([name, hours]) => `${name} (${hours} h)`)
  .join(', ');

/** @throws UsageError when it is neither a name nor a number of hours */
function hoursOf(text: string): number {
  if (Object.hasOwn(times, text)) return times[text as keyof typeof times];
  const hours = Number(text);
  if (!(hours > 0 && hours <= 1e5))
    throw new UsageError(`--for takes ${suggestedTimes}, or hours such as 12, not "${text}".`);
  return hours;
}

interface Asked {
  readonly home: string | undefined;
  /** Of the table. */
  readonly gpu: Gpu | undefined;
  /** Of this machine, where it is not the usual one. */
  readonly device: DeviceChoice | undefined;
  readonly precision: Precision | undefined;
  readonly model: Pick<ModelConfig, 'contextLength' | 'vocabSize'>;
  readonly reserveBytes: number;
  /** `night`, or hours. */
  readonly time: string;
  readonly json: boolean;
}

/** Prints what a GPU, or this machine, can train in a time, best first. */
export async function fitSuggest(asked: Asked): Promise<void> {
  const { json, model } = asked;
  const hours = hoursOf(asked.time);
  const { speed, budget, precision } = targetOf(asked);
  const bytes = budget.totalBytes - budget.reserveBytes;
  const { contextLength, vocabSize } = model;
  const { hostBytes } = budget;
  const chosen = asked.precision ?? precision;
  const question = { speed, precision: chosen, bytes, hostBytes, contextLength, vocabSize, hours };
  const found = await planned(asked.home, describePlan('suggest', question), suggestSteps(question));
  if (json) {
    console.log(JSON.stringify({ on: speed.name, how: 'computed', bytes, contextLength, hours, suggestions: found }));
    return;
  }
  if (found.length === 0)
    throw new UserError(
      `Nothing that is known fits ${budget.name} at a context of ${formatCount(contextLength)}: give a smaller --context.`,
    );
  console.log(
    `${speed.name}, context length ${formatCount(contextLength)}, ${formatDuration(3600 * hours)}: the best first\n`,
  );
  const head = [
    'parameters',
    'shape',
    'precision',
    'optimizer',
    'recompute',
    'batch',
    'memory, bytes',
    'tokens/s',
    '20 tokens a parameter',
    'tokens then',
    'a parameter',
  ];
  console.log(table(head, found.map(rowOf)));
  console.log(`tokens/s are computed: a device may have ${factors(speed)} as many (docs/guide/memory.md says why)`);
}

const factors = ({ slowdown: { low, likely, high } }: KnownSpeed): string =>
  `from ${(likely / high).toFixed(1)} to ${(likely / low).toFixed(1)} times`;

const rowOf = (s: Suggestion): (string | number)[] => [
  formatShort(s.parameters),
  `${s.model.nLayer} × ${s.model.nEmbd}, ${plural(s.model.nHead, 'head')}`,
  s.precision,
  s.optimizer,
  s.recompute,
  s.batch,
  formatCount(s.totalBytes),
  formatShort(s.tokensPerSecond),
  formatDuration(s.secondsToTwenty),
  formatShort(s.tokens),
  formatDigits(s.tokens / s.parameters, s.tokens > 100 * s.parameters ? 3 : 2),
];

function targetOf({ home: flag, gpu, device, reserveBytes }: Asked): {
  readonly speed: KnownSpeed;
  readonly budget: MemoryBudget;
  readonly precision: Precision;
} {
  if (gpu) {
    const budget = sizedBudget(gpu.name, gpu.memoryMiB * 2 ** 20, reserveBytes);
    return { speed: speedOfSheet(gpu), budget, precision: gpuRecipePrecision };
  }
  const choice = device ?? defaultDevice();
  const kind = kindOf(choice.kind);
  const home = kind.gpus ? locateHome(flag) : resolveHome(flag);
  // A processor's peak takes a second to measure, and is kept.
  if (!kind.gpus) measureDevices(home);
  const speed = kind.speed?.({ ...choice }, home);
  if (!speed?.rates)
    throw new UserError(
      `Nothing is known of the speed of ${speed?.name ?? kind.noun}: name a GPU of the table by --gpu.`,
    );
  return { speed, budget: machineBudget(home, choice), precision: kind.recipePrecision ?? 'f32' };
}
