import { expect, it } from 'vitest';
import { runCli } from './run.ts';
import { oneLineOf } from './workplace.ts';

it.each([
  ['doctor --gpu-index 1', /--gpu-index belongs to --gpu/],
  ['doctor --tf32', /--tf32 belongs to --gpu/],
  ['doctor --gpu --gpu-index one', /--gpu-index needs a number/],
  ['bench --tf32', /--tf32 belongs to --device cuda/],
  ['bench --gpu-index 0', /--gpu-index belongs to --device cuda/],
  ['bench --pytorch python3', /--pytorch belongs to --device cuda/],
  ['bench --device cuda --threads 3', /--threads belongs to --device cpu/],
  ['bench --device cuda --rounds 0', /--rounds/],
])('%s is wrong usage', async (args, reason) => {
  const { code, stdout, stderr } = await runCli(args.split(' '));
  expect([code, stdout]).toEqual([2, '']);
  expect(oneLineOf(stderr)).toMatch(reason);
});
