import { shownState } from '../base/states.ts';
import type { Command } from 'commander';
import { parameterCount } from '../engine/models/index.ts';
import { dataTitle } from '../engine/run/schedule.ts';
import { formatBytes, formatCount, formatLoss, formatPerplexity, plural } from '../base/format.ts';
import { bitsPerByteOf } from '../studio/evals.ts';
import { resolveHome } from '../studio/home.ts';
import { dataRead } from '../studio/run/dataRead.ts';
import type { EvalRecord } from '../studio/store/index.ts';
import { tokenizerTitle } from '../studio/tokenizers.ts';
import { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { lossChart } from './lossChart.ts';
import { table } from './terminal/table.ts';
import { onOneLine, printable } from './terminal/text.ts';

export function addShow(command: Command): void {
  command
    .argument('<run>', runHelp)
    .option('--json', 'one JSON object')
    .action((id: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<{ home?: string; json?: boolean }>();
      const studio = Studio.look(resolveHome(options.home, 'read'));
      try {
        if (options.json) console.log(JSON.stringify(everything(studio, id)));
        else print(studio, id);
      } finally {
        studio.close();
      }
    });
}

function everything(studio: Studio, id: string) {
  const { store, home } = studio;
  const run = findRun(studio, id);
  const evals = store.evals.list(run.id);
  return {
    run,
    loss: store.metrics.series(run.id, 'loss', { points: 1000 }),
    evals,
    samples: store.samples.list(run.id),
    checkpoints: store.checkpoints.list(run.id),
    events: store.events.list(run.id),
    data: dataRead(home, studio.runs.configOf(run), run.step, evals),
  };
}

/** Value, unit, perplexity (per token) and bits per byte: an accuracy has neither of the latter. */
function evalCells(e: EvalRecord): string[] {
  if (e.kind === 'hellaswag') return [e.value.toFixed(4), 'accuracy', '', ''];
  const bits = bitsPerByteOf(e);
  return [formatLoss(e.value), 'nats/token', formatPerplexity(e.value), bits === null ? '' : formatLoss(bits)];
}

function print(studio: Studio, id: string): void {
  const { run, evals, samples, checkpoints, events, data } = everything(studio, id);
  const config = studio.runs.configOf(run);
  const { model } = config;
  console.log(onOneLine(`${run.id}  ${run.name}  ${shownState(run.state)}${run.message ? `: ${run.message}` : ''}`));
  console.log(
    `${plural(model.nLayer, 'layer')}, ${plural(model.nHead, 'head')}, embedding dim ${model.nEmbd}, context ${model.contextLength}: ` +
      `${formatCount(parameterCount(model))} parameters; trained on ${dataTitle(config)}, ${tokenizerTitle(config.tokenizer)} tokenizer`,
  );
  const skipped = events.filter((e) => e.kind === 'skip').length;
  const skips = skipped > 0 ? `; ${plural(skipped, 'step')} skipped` : '';
  console.log(
    `step ${formatCount(run.step)} of ${run.stepsTotal === null ? '?' : formatCount(run.stepsTotal)}, ${plural(run.tokensSeen, 'token')} seen${skips}`,
  );
  const [lossScale] = studio.store.metrics.series(run.id, 'lossScale', { fromStep: run.step });
  const scaled = config.precision === 'f16' && lossScale ? `, loss scale ${lossScale.value}` : '';
  console.log(`precision ${config.precision}${scaled}\n`);
  console.log(lossChart(studio.store, run.id));
  if (evals.length > 0) {
    const rows = evals.slice(-12).map((e) => [e.step, e.kind === 'datasetLoss' ? e.dataset : e.kind, ...evalCells(e)]);
    console.log(`\n${table(['step', 'evaluation', 'value', 'unit', 'perplexity', 'bits/byte'], rows)}\n`);
  }
  if (checkpoints.length > 0) {
    const rows = checkpoints.map((c) => [c.step, formatBytes(c.bytes), c.path]);
    console.log(`${table(['checkpoint', 'size', 'path'], rows)}\n`);
  }
  const read = data.map(({ source, steps, tokens, passes, valLoss }) => [
    source,
    steps.map(({ from, to }) => `${formatCount(from)}–${formatCount(to)}`).join(', '),
    formatCount(tokens),
    passes === null ? 'gone' : passes.toPrecision(3),
    valLoss === null ? '' : formatLoss(valLoss),
  ]);
  if (read.length > 0) console.log(`${table(['data', 'steps', 'tokens', 'epochs', 'val loss'], read)}\n`);
  const sample = samples[samples.length - 1];
  if (sample) console.log(`sample at step ${formatCount(sample.step)}:\n${printable(sample.prompt + sample.text)}\n`);
  for (const e of events.slice(-10))
    console.log(`${new Date(e.time).toISOString()} ${e.level.padEnd(7)} ${onOneLine(e.message)}`);
}
