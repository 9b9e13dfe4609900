/** Says which tests were skipped, by what they lack; fails the run where that is not expected. */
import fs from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { lackOf } from './needs.ts';

/** What may lack: a line each, of the file that TRAINYARD_SKIPS names. Without one everything may. */
function expected(): ReadonlySet<string> | undefined {
  const file = process.env.TRAINYARD_SKIPS;
  if (!file) return undefined;
  const lines = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const byLack = new Map<string, string[]>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        // One that `-t` leaves out was not meant to run.
        if (test.options.mode === 'run') continue;
        const lack = lackOf(test.fullName) ?? 'nothing that its name tells';
        byLack.set(lack, [...(byLack.get(lack) ?? []), `${module.relativeModuleId} > ${test.fullName}`]);
      }
    }
    if (byLack.size === 0) return;
    const allowed = expected();
    console.log('\n Skipped for want of');
    for (const [lack, tests] of byLack) {
      const wrong = allowed !== undefined && !allowed.has(lack);
      console.log(`${wrong ? ' ✗' : '  '} ${lack}: ${tests.length} tests${wrong ? `, such as ${tests[0]}` : ''}`);
      if (wrong) process.exitCode = 1;
    }
  }
}
