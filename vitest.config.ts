import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { thoroughFiles } from './tests/frame/thorough.ts';

export default defineConfig({
  test: {
    // For disks and machines that stall: nothing is measured by it.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Many tests wait for processes and pages; Vitest itself would leave a core idle, which of two is half of all.
    maxWorkers: Math.max(2, availableParallelism()),
    // Emulated GPUs have no use for a library of the machine's that multiplies on real ones.
    env: { TRAINYARD_CUBLASLT: 'off' },
    expect: { poll: { timeout: 60_000 } },
    globalSetup: ['tests/frame/temporaryFolder.ts'],
    reporters: ['default', './tests/frame/skips.ts'],
    projects: [
      { extends: true, test: { name: 'quick', include: ['tests/**/*.test.ts'], exclude: [...thoroughFiles] } },
      { extends: true, test: { name: 'thorough', include: [...thoroughFiles] } },
    ],
  },
});
