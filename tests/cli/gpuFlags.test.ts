import { expect, it } from 'vitest';
import { runHere } from './run.ts';
import { oneLineOf } from './workplace.ts';

it.each([
  ['doctor --gpu-index 1', /--gpu-index belongs to --gpu/],
  ['doctor --tf32', /--tf32 belongs to --gpu/],
  ['doctor --gpu --gpu-index one', /--gpu-index needs a number/],
  ['bench --tf32', /--tf32 belongs to --device cuda/],
  ['bench --gpu-index 0', /--gpu-index belongs to --device cuda/],
  ['bench --device cuda --threads 3', /--threads belongs to --device cpu/],
  ['bench --device cuda --rounds 0', /--rounds/],
  ['bench generate --gpu-index 5', /--gpu-index belongs to --device cuda/],
  ['bench --gpu-index 5 hellaswag', /--gpu-index belongs to --device cuda/],
  ['bench generate --device cuda --threads 3', /--threads belongs to --device cpu/],
  ['bench hellaswag --device tfjs', /Allowed choices are cpu, cuda/],
  ['bench generate --precision f64', /Allowed choices are f32, bf16, f16/],
  ['bench generate --preset nano --tokens 256', /--tokens needs a number from 2 to 255: the context of nano/],
  ['bench generate --rounds 3', /bench generate has no --rounds/],
  ['bench data --text README.md --device cuda', /bench data has no --device/],
  ['bench floor --gpu-index 1', /bench floor has no --gpu-index/],
  ['bench hellaswag --tf32', /bench hellaswag has no --tf32/],
  ['bench data --text README.md --rounds 3', /bench data has no --rounds/],
  ['bench store --threads 2', /bench store has no --threads/],
  ['bench floor --pytorch python3', /bench floor has no --pytorch/],
  ['bench floor --threads 99 --rounds 0', /bench floor has no --threads/],
  ['bench floor --tf32', /--tf32 belongs to --precision f32, not to f16/],
  ['bench floor --tf32 --precision bf16', /--tf32 belongs to --precision f32, not to bf16/],
])('%s is wrong usage', async (args, reason) => {
  const { code, stdout, stderr } = await runHere(args.split(' '));
  expect([code, stdout]).toEqual([2, '']);
  expect(oneLineOf(stderr)).toMatch(reason);
});

it.each([['floor'], ['generate'], ['hellaswag'], ['data'], ['store']])('bench %s tells of --json', async (name) => {
  const { code, stdout } = await runHere(['bench', name, '--help']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^ +--json /m)]);
});
