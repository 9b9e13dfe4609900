import type { Command } from 'commander';
import { getTokenizer, type TokenizerName } from '../data/tokenizers/index.ts';
import { completeDevice } from '../engine/devices/choose.ts';
import type { RunDevice } from '../engine/devices/registry.ts';
import { parameterCount } from '../engine/models/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/run/config.ts';
import { loadPreset, type Preset, precisionOn, presetNames } from '../engine/run/presets.ts';
import { schedule, totalSteps } from '../engine/run/schedule.ts';
import { formatCount, formatRate, formatShort, plural } from '../base/format.ts';
import { describePhases } from './phases.ts';
import type { Tree } from './settings.ts';
import { table } from './terminal/table.ts';

export function addPresets(command: Command): void {
  command
    .argument('[name]', 'of one of them: all of its settings and their sources')
    .option('--json', 'one JSON object a line')
    .action((name: string | undefined, _: unknown, self: Command) => {
      const chosen = (name === undefined ? presetNames() : [name]).map(recipeOf);
      if (self.optsWithGlobals<{ json?: boolean }>().json) {
        for (const { preset, config, tokens } of chosen)
          console.log(JSON.stringify({ ...preset, config, parameters: parameterCount(config.model), tokens }));
      } else if (name === undefined) printAll(chosen);
      else printOne(chosen[0]!);
    });
}

interface Recipe {
  readonly preset: Preset;
  /** As it trains on this machine. */
  readonly config: RunConfig;
  readonly tokens: number;
}

/** @throws UsageError that lists the presets when there is none of that name */
function recipeOf(name: string): Recipe {
  const preset = loadPreset(name);
  const tree = preset.config as Tree & { readonly model: object; readonly tokenizer: TokenizerName };
  const { vocabSize } = getTokenizer(tree.tokenizer);
  const device = completeDevice();
  const config = parseRunConfig({
    ...tree,
    ...{ model: { ...tree.model, vocabSize }, dataset: 'to be chosen', device },
    precision: precisionOn(preset, device.kind as RunDevice),
  });
  return { preset, config, tokens: totalSteps(schedule(config)) * config.tokensPerStep };
}

const peakOf = ({ phases }: RunConfig): number => Math.max(...phases.map((p) => Math.max(p.from, p.to)));

function printAll(recipes: readonly Recipe[]): void {
  const head = [
    'preset',
    'parameters',
    'context',
    'tokens per step',
    'peak LR',
    'tokens',
    'tokens from',
    'precision here',
  ];
  const rows = recipes.map(({ preset, config, tokens }) => [
    preset.name,
    formatShort(parameterCount(config.model)),
    formatCount(config.model.contextLength),
    formatCount(config.tokensPerStep),
    formatRate(peakOf(config)),
    formatShort(tokens),
    preset.tokensFrom,
    config.precision,
  ]);
  console.log(table(head, rows));
  console.log(
    '`trainyard presets NAME` has the rates and the sources of one; `trainyard train --preset NAME` trains it.',
  );
}

function printOne({ preset: { title, tokensFrom, sources }, config, tokens }: Recipe): void {
  const { model, batch, tokensPerStep, optimizer, precision } = config;
  console.log(`${title}: ${formatCount(parameterCount(model))} parameters`);
  console.log(
    `${plural(model.nLayer, 'layer')}, ${plural(model.nHead, 'head')}, embedding dim ${formatCount(model.nEmbd)}, context ${formatCount(model.contextLength)}, dropout ${model.dropout}`,
  );
  console.log(
    `${plural(tokens, 'token', 'tokens', formatShort)} (${tokensFrom}), ${formatCount(tokensPerStep)} per step in micro-batches of ${formatCount(batch)} × ${formatCount(model.contextLength)}, ${precision} here`,
  );
  const { kind, beta1, beta2, weightDecay, gradClip } = optimizer;
  console.log(
    `${kind}, betas ${beta1} and ${beta2}, weight decay ${weightDecay}, gradient norm clipped to ${gradClip}`,
  );
  for (const line of describePhases(config)) console.log(line);
  for (const { url, took } of sources) console.log(`from ${url}\n  ${took}`);
}
