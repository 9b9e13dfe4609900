import fs from 'node:fs';
import path from 'node:path';
import { openStore } from '../../electron/studio/store/store.ts';
import { tempDir } from '../temp.ts';
import { jsonLines, runCli, type RunningCli, startCli } from './run.ts';

/** Text with something to learn, the same every time. */
const text = Array.from(
  { length: 2500 },
  (_, i) => ['one', 'ship', 'sails', 'past', 'two', 'grey', 'rocks', 'home.\n'][(i * i * 5 + i) % 8]!,
).join(' ');

/** A model in which all that a checkpoint has to keep matters: dropout, micro-batches, two phases. */
const settings = {
  '--tokenizer': 'bytes',
  '--layers': 2,
  '--heads': 2,
  '--width': 32,
  '--context': 16,
  '--dropout': 0.1,
  '--batch': 2,
  '--tokens-per-step': 64,
  '--threads': 1,
  '--steps': 30,
  '--warmup-steps': 5,
  '--lr': 1e-3,
  '--checkpoint-every': 5,
  '--eval-every': 10,
  '--eval-sequences': 3,
  '--sample-every': 15,
  '--sample-tokens': 6,
};

type Flag = keyof typeof settings | '--min-lr' | '--weight-decay' | '--beta2' | '--grad-clip' | '--keep-last';
export type Settings = Partial<Record<Flag, number>>;

/** A home of its own with a text to train on; both are gone when the test ends. */
export interface Workplace {
  readonly home: string;
  readonly text: string;
  /** Arguments of a command in this home. */
  command(...args: string[]): string[];
  /** Arguments that train the small model here, `--json`. */
  train(changed?: Settings): string[];
}

export function workplace(dir = tempDir()): Workplace {
  const [home, file] = [path.join(dir, 'home'), path.join(dir, 'text.txt')];
  fs.writeFileSync(file, text);
  const command = (...args: string[]) => ['--home', home, ...args];
  return {
    home,
    text: file,
    command,
    train(changed = {}) {
      const flags = Object.entries({ ...settings, ...changed }).flatMap(([flag, value]) => [flag, String(value)]);
      return command('train', '--text', file, '--device', 'cpu', ...flags, '--json');
    },
  };
}

/** What a home's only run has left: read from the store and the disk, as another program would. */
export function remains(home: string) {
  const store = openStore(home, { readonly: true });
  try {
    const [run, ...others] = store.runs.list();
    if (!run || others.length > 0) throw new Error(`${home} has ${run ? 'several runs' : 'no run'}`);
    const root = path.join(home, 'runs', run.id, 'checkpoints');
    return {
      run,
      root,
      /** Names of the checkpoint folders, hidden ones too. */
      folders: fs.existsSync(root) ? fs.readdirSync(root).sort() : [],
      metrics: store.metrics.read(run.id),
      evals: store.evals.list(run.id),
      samples: store.samples.list(run.id),
      checkpoints: store.checkpoints.list(run.id),
      events: store.events.list(run.id),
    };
  } finally {
    store.close();
  }
}

export type Remains = ReturnType<typeof remains>;

/** All of a run that must not depend on whether and how it was cut short: numbers to the last bit, and the weights. */
export function outcome({ run, root, metrics, evals, samples, checkpoints }: Remains) {
  const last = path.join(root, `step-${String(run.step).padStart(6, '0')}`);
  return {
    state: run.state,
    step: run.step,
    tokensSeen: run.tokensSeen,
    bestValLoss: run.bestValLoss,
    steps: metrics.map((m) => [m.step, m.loss, m.gradNorm, m.learningRate, m.tokensSeen]),
    evals: evals.map((e) => [e.step, e.kind, e.value]),
    samples: samples.map((s) => [s.step, s.prompt, s.seed, s.text]),
    checkpoints: checkpoints.map((c) => [c.step, c.bytes, c.best]),
    weights: fs.readFileSync(path.join(last, 'model.safetensors')).toString('base64'),
    optimizer: fs.readFileSync(path.join(last, 'optimizer.safetensors')).toString('base64'),
  };
}

/** Trains to the end without interruption. @returns what the run comes to */
export async function uninterrupted(changed: Settings = {}) {
  const { home, train } = workplace();
  const { code, stderr } = await runCli(train(changed));
  if (code !== 0 || stderr !== '') throw new Error(`training ended with ${code}: ${stderr}`);
  return outcome(remains(home));
}

/** The last line of `--json` output: how the run came to rest. */
export const endOf = (stdout: string) => jsonLines(stdout).at(-1) as { run: string; type: string; state: string; message: string; resumable: boolean }; // prettier-ignore

/** Starts a command and waits until its `--json` output shows a step, or it has ended. @param via as in `startCli` */
export async function startUntil(
  args: readonly string[],
  step: number,
  via: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<RunningCli> {
  const running = startCli(args, env, via);
  const reached = () => running.lines().some((l) => l.includes('"type":"metrics"') && JSON.parse(l).step >= step);
  await Promise.race([
    running.result,
    new Promise<void>((resolve) => running.child.stdout!.on('data', () => reached() && resolve())),
  ]);
  return running;
}

/** A failure of the command line is one line that says so, and never a stack trace. */
export function oneLineOf(stderr: string): string {
  const lines = stderr.trimEnd().split('\n');
  if (lines.length !== 1 || !lines[0]!.startsWith('trainyard: ')) throw new Error(`not one line: ${stderr}`);
  return lines[0]!;
}

/** Waits until something is so. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
