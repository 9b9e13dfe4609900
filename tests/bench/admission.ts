/**
 * Measures how long it takes to find out whether a preset can be trained: `node tests/bench/admission.ts [preset]`. Every
 * round is a process of its own, as every start of a run is: what is compiled on the way counts.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { requireTrainableHere } from '../../electron/engine/run/admission.ts';
import { loadPreset } from '../../electron/engine/run/presets.ts';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, once: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [preset = 'gpt2-medium-4096'] = positionals;

if (values.once) {
  const { config } = loadPreset(preset);
  const model = { ...(config.model as object), vocabSize: 50257 };
  const run = parseRunConfig({ ...config, model, dataset: 'none', device: { kind: 'cpu' } });
  const started = performance.now();
  const { user: before } = process.cpuUsage();
  requireTrainableHere(run, 0);
  const { user } = process.cpuUsage();
  console.log(JSON.stringify({ ms: performance.now() - started, cpuMs: (user - before) / 1000 }));
} else {
  const round = () =>
    JSON.parse(execFileSync(process.execPath, [import.meta.filename, '--once', preset], { encoding: 'utf8' })) as {
      ms: number;
      cpuMs: number;
    };
  const rounds = Array.from({ length: Number(values.rounds) }, round).sort((a, b) => a.ms - b.ms);
  const [fastest, middle] = [rounds[0]!, rounds[rounds.length >> 1]!];
  console.log(
    `${preset}: ${middle.ms.toFixed(0)} ms (median of ${rounds.length}), ${fastest.ms.toFixed(0)} ms at best`,
  );
  console.log(`of these the processor had ${middle.cpuMs.toFixed(0)} ms and ${fastest.cpuMs.toFixed(0)} ms`);
}
