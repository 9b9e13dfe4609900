import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // For disks and machines that stall: nothing is measured by it.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    // Emulated GPUs have no use for a library of the machine's that multiplies on real ones.
    env: { TRAINYARD_CUBLASLT: 'off' },
    expect: { poll: { timeout: 60_000 } },
  },
});
