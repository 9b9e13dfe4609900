import { formatCount } from '../base/format.ts';
import type { Command } from 'commander';
import { latestValid, openChosen } from '../engine/checkpoint/index.ts';
import { writeText } from '../engine/use/generate.ts';
import { UsageError, UserError } from '../base/errors.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { given } from '../studio/jobs/given.ts';
import { asJob } from './asJob.ts';
import { checkpointHelp, findCheckpoint, findPlace } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, reportMoved } from './device.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { forStream } from './terminal/guard.ts';
import { addPromptFlags, type PromptFlags, promptsOf, textOf } from './prompts.ts';

interface GenerateOptions extends DeviceFlags, PromptFlags {
  readonly home?: string;
  readonly prompt?: string;
  readonly tokens: string;
  readonly temperature: string;
  readonly topK: string;
  readonly topP: string;
  readonly repetitionPenalty: string;
  readonly stop?: string[];
  readonly seed: string;
}

export function addGenerate(command: Command): void {
  command
    .argument('<checkpoint>', checkpointHelp)
    .option('--prompt <text>', 'prompt, taken literally (default: a newline)')
    .option('--tokens <n>', 'max new tokens', '200')
    .option('--temperature <x>', '0 = greedy', '0.8')
    .option('--top-k <n>', 'sample from the k most likely tokens (0 = off)', '0')
    .option('--top-p <x>', 'nucleus sampling: sample from the smallest set with this probability (1 = off)', '1')
    .option('--repetition-penalty <x>', 'above 1 makes repeated tokens less likely', '1')
    .option('--stop <text...>', 'stop sequences, taken literally')
    .option('--seed <n>', 'same seed, same text', '1');
  addPromptFlags(command);
  addDeviceFlags(command).action((id: string, _: unknown, self: Command) =>
    runGenerate(id, self.optsWithGlobals<GenerateOptions>()),
  );
}

function parseTemperature(text: string): number {
  const value = parseNumber('--temperature', text);
  if (value < 0) throw new UsageError(`--temperature needs a number of 0 or more, not "${text}".`);
  return value;
}

function parseTopP(text: string): number {
  const value = parseNumber('--top-p', text);
  if (!(value > 0 && value <= 1)) throw new UsageError(`--top-p needs a number above 0 and up to 1, not "${text}".`);
  return value;
}

function parsePenalty(text: string): number {
  const value = parseNumber('--repetition-penalty', text);
  if (value <= 0) throw new UsageError(`--repetition-penalty needs a number above 0, not "${text}".`);
  return value;
}

async function runGenerate(id: string, options: GenerateOptions): Promise<void> {
  const sampling = {
    maxTokens: parseInteger('--tokens', options.tokens, 1),
    temperature: parseTemperature(options.temperature),
    topK: parseInteger('--top-k', options.topK),
    topP: parseTopP(options.topP),
    repetitionPenalty: parsePenalty(options.repetitionPenalty),
    stop: (options.stop ?? []).map((text) => textOf('--stop', text, options)),
    seed: parseInteger('--seed', options.seed),
  };
  const [prompt = '\n'] = promptsOf(options.prompt === undefined ? undefined : [options.prompt], options) ?? [];
  const device = chosenDevice(options);
  const studio = Studio.look(resolveHome(options.home, 'read'));
  try {
    const { run, step } = findPlace(studio, id);
    const { checkpoint, refused } =
      step !== undefined
        ? {
            checkpoint: await openChosen(studio.checkpoints.of(run, findCheckpoint(studio, id).step).path),
            refused: [],
          }
        : await latestValid(studio.checkpoints.rootOf(run));
    const reasons = refused.map((r) => r.reason);
    if (!checkpoint) {
      if (reasons.length > 0) throw new UserError(`No checkpoint of ${run.id} is whole (${reasons.join('; ')}).`);
      throw new UserError(`The run ${run.id} has no checkpoint yet: train it first, then generate.`);
    }
    for (const reason of reasons)
      console.error(`refused: ${reason}; generating from step ${formatCount(checkpoint.step)}`);
    const { config, place } = studio.models.forJob(run, device);
    reportMoved(studio.runs.configOf(run).device, config.device, device);
    // A terminal shows what the model wrote; a pipe or a file gets it as it is.
    const show = (text: string) => process.stdout.write(forStream(text, process.stdout));
    const input = { id: run.id, step: checkpoint.step, prompt, ...sampling, ...given({ device }) };
    await asJob(studio, { kind: 'generate', input }, async ({ signal, write, progress }) => {
      const { maxTokens: total } = sampling;
      const notices: string[] = [];
      let done = 0;
      show(prompt);
      for await (const written of writeText(checkpoint, config, prompt, sampling, place)) {
        signal.throwIfAborted();
        if (written.kind === 'text') {
          show(written.text);
          write(written.text);
          progress({ done: Math.min(++done, total), total, unit: 'tokens' });
        } else if (written.kind === 'notice') {
          notices.push(written.text);
          console.error(`\ntrainyard: ${written.text}`);
        }
      }
      show('\n');
      return { notices, kept: null };
    });
  } finally {
    studio.close();
  }
}
