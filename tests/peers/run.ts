/**
 * `npm run test:peers [NAME…]`: holds Trainyard against the real tools. $PYTHON, else python3, is to have what requirements.txt names.
 * Prints a table for docs/peers.md; ends with 1 where something differs.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageFile } from '../../electron/base/paths.ts';
import { goldenPath, textPath } from '../golden/path.ts';
import { writeOurs } from './ours.ts';

const python = process.env.PYTHON ?? 'python3';
const here = import.meta.dirname;

interface Finding {
  readonly what: string;
  readonly found: string;
  readonly ok: boolean;
}

/** Runs a program and gives what it printed. @throws Error with the end of what it said when it fails */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const options = {
    cwd: packageFile(''),
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 26,
  } as const;
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  throw new Error(
    `${command} ${args[0]!}: ${error?.message ?? `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n')}`,
  );
}

/** What a script of this folder found: a line of JSON each. */
function ask(script: string, ...args: string[]): { findings: Finding[]; versions: string } {
  const lines = run(python, [path.join(here, script), ...args])
    .trim()
    .split('\n');
  const reported = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Partial<Finding> & { versions?: Record<string, string> });
  const versions = Object.entries(reported.find((row) => row.versions)?.versions ?? {});
  return {
    findings: reported.filter((row) => row.what) as Finding[],
    versions: versions.map(([name, v]) => `${name} ${v}`).join(', '),
  };
}

/** PyTorch's autograd and AdamW in float64, on cases of a seed that the repository does not have. */
function pytorch(folder: string): { findings: Finding[]; versions: string } {
  const other = path.join(folder, 'golden');
  fs.mkdirSync(path.join(other, 'hellaswag'), { recursive: true });
  fs.copyFileSync(goldenPath('hellaswag', 'tokens.json'), path.join(other, 'hellaswag', 'tokens.json'));
  const seed = 5;
  run(python, [goldenPath('generate.py'), other, String(seed)]);
  const files = ['engine/models/golden', 'engine/optimizers/golden', 'evals/hellaswag'].map(
    (name) => `tests/${name}.test.ts`,
  );
  const report = path.join(folder, 'vitest.json');
  const args = [
    packageFile('node_modules/vitest/vitest.mjs'),
    'run',
    ...files,
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  run(process.execPath, args, { TRAINYARD_GOLDEN: other });
  const { numPassedTests, numTotalTests } = JSON.parse(fs.readFileSync(report, 'utf8')) as {
    numPassedTests: number;
    numTotalTests: number;
  };
  const what = `losses, gradients and 20 steps of GPT-2, low-bit AdamW and scores, on golden cases of seed ${seed}`;
  return {
    findings: [
      { what, found: `${numPassedTests} of ${numTotalTests} tests pass`, ok: numPassedTests === numTotalTests },
    ],
    versions: `torch ${run(python, ['-c', 'import torch; print(torch.__version__)']).trim()}`,
  };
}

const peers: Readonly<Record<string, (folder: string) => { findings: Finding[]; versions: string }>> = {
  pytorch,
  transformers: (folder) => ask('peer_transformers.py', folder),
  'lm-eval': (folder) => ask('peer_lm_eval.py', folder, textPath('hellaswag_val_1000.jsonl')),
  tiktoken: (folder) => ask('peer_tiktoken.py', folder),
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in peers));
if (unknown) {
  console.error(`There is no peer '${unknown}': ${Object.keys(peers).join(', ')}.`);
  process.exit(2);
}
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-peers-'));
try {
  await writeOurs(folder);
  console.log('| peer | what | found | |\n|---|---|---|---|');
  for (const name of asked.length > 0 ? asked : Object.keys(peers)) {
    try {
      const { findings, versions } = peers[name]!(folder);
      for (const { what, found, ok } of findings)
        console.log(`| ${versions} | ${what} | ${found} | ${ok ? '✓' : '✗'} |`);
      if (findings.length === 0 || findings.some(({ ok }) => !ok)) process.exitCode = 1;
    } catch (error) {
      console.error(`${name}: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
