import { shownState } from '../base/states.ts';
import path from 'node:path';
import type { Command } from 'commander';
import { parseRunConfig } from '../engine/run/config.ts';
import { parameterCount } from '../engine/models/index.ts';
import type { MemoryReport } from '../engine/run/events.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../base/format.ts';
import { resolveHome } from '../studio/home.ts';
import { storyBytes, storyConfig, storyPrompts, writeStories } from '../studio/run/sample.ts';
import { Studio } from '../studio/studio.ts';
import { hint } from './hint.ts';
import { interruptible } from './interrupts.ts';
import { lossChart } from './lossChart.ts';
import { prepareAsJob } from './preparing.ts';
import { ProgressLine } from './terminal/progress.ts';
import { table } from './terminal/table.ts';
import { hanging, printable } from './terminal/text.ts';

interface DemoOptions {
  readonly home?: string;
  readonly seed: number;
}

export function addDemo(command: Command): void {
  command.action((_: unknown, self: Command) => runDemo({ ...self.optsWithGlobals<{ home?: string }>(), seed: 1337 }));
}

async function runDemo({ home: flag, seed }: DemoOptions): Promise<void> {
  const home = resolveHome(flag);
  const started = Date.now();
  const inputs = [writeStories(home, seed)];
  const dataset = await prepareAsJob({ home, inputs, tokenizer: 'bytes', valFraction: 0.05 });
  const config = parseRunConfig(storyConfig(dataset.name, seed));
  console.log(
    `corpus   ${formatBytes(storyBytes)} of made-up stories: ${plural(dataset.trainTokens, 'token')} to train on, ${formatCount(dataset.valTokens)} to validate`,
  );
  console.log(
    `model    ${formatCount(parameterCount(config.model))} parameters; steps: ${config.phases.map((p) => `${p.kind} ${p.steps}`).join(', ')}\n`,
  );
  const studio = Studio.open(home);
  try {
    const run = await studio.runs.create(config, 'demo');
    const handle = studio.training.start(run);
    const progress = new ProgressLine(process.stdout);
    let phase = '';
    let memory: MemoryReport | undefined;
    let residentBytes = 0;
    const clock = Date.now();
    handle.onEvent((event) => {
      if (event.type === 'started') memory = event.memory;
      if (event.type === 'phase') phase = event.kind;
      if (event.type === 'evaluation')
        progress.say(`step ${formatCount(event.step)}: validation loss ${event.valLoss.toFixed(4)}`);
      if (event.type !== 'metrics') return;
      residentBytes = Math.max(residentBytes, event.memoryBytes);
      const total = run.stepsTotal ?? 0;
      const secondsLeft = ((Date.now() - clock) / 1000 / event.step) * (total - event.step);
      progress.update({ ...event, steps: total, phase, secondsLeft });
    });
    const say = (text: string) => progress.say(text);
    const interrupts = await interruptible(handle, say, async () => {
      const end = await handle.ended;
      progress.done();
      console.log(`\nrun ${run.id} ${shownState(end.state)}: ${end.message}\n`);
      if (end.state !== 'completed') process.exitCode = 1;
    });
    if (interrupts > 1) process.exitCode = 130;
    report(studio, run.id, memory, residentBytes);
    console.log(`kept in  ${path.dirname(studio.checkpoints.rootOf(run))}`);
    console.log(`show     ${hint(home, `show ${run.id}`)}`);
    console.log(`generate ${hint(home, `generate ${run.id} --prompt "Once upon a time"`)}`);
    console.log(`took     ${formatDuration((Date.now() - started) / 1000)}`);
  } finally {
    studio.close();
  }
}

function report({ store }: Studio, runId: string, memory: MemoryReport | undefined, residentBytes: number): void {
  console.log(lossChart(store, runId));
  const evals = store.evals.list(runId).filter((e) => e.kind === 'validation');
  const [first, last] = [evals[0], evals[evals.length - 1]];
  if (first && last) {
    console.log(
      `\nvalidation loss  ${first.value.toFixed(4)} before, ${last.value.toFixed(4)} after ${plural(last.step, 'step')}\n`,
    );
  }
  const samples = store.samples.list(runId);
  const after = Math.max(...samples.map((s) => s.step));
  for (const prompt of storyPrompts) {
    for (const step of new Set([0, after])) {
      const sample = samples.find((s) => s.step === step && s.prompt === prompt);
      if (sample)
        console.log(
          `${step === 0 ? 'before' : 'after '}  ${hanging(printable(firstStory(prompt + sample.text)), 8)}\n`,
        );
    }
  }
  if (!memory) return;
  const rows: [string, number][] = Object.entries(memory.roleBytes).filter(([, bytes]) => bytes > 0);
  rows.push(['plan', memory.plannedBytes]);
  rows.push(['allocated', memory.allocatedBytes]);
  rows.push(['thread scratch', memory.overheadBytes]);
  rows.push(['engine process, resident (RSS)', residentBytes]);
  const cells = rows.map(([what, bytes]) => [what, formatCount(bytes)]);
  console.log(`${table(['memory', 'bytes'], cells)}\n`);
}

/** The text up to the blank line that ends a story, or as much as a terminal shows well. */
const firstStory = (text: string): string => text.trim().split('\n\n')[0]!.slice(0, 700);
