import { describe, expect, it } from 'vitest';
import { plan } from '../../../electron/engine/program/planner.ts';
import { print } from '../../../electron/engine/program/print.ts';
import { formatBytes } from '../../../electron/base/format.ts';
import { gpt2, policies, presets, runPrograms } from './shapes.ts';

const tiny = gpt2(2, 4, 64, 32, 97);

describe('the dump of a tiny GPT-2', () => {
  it.each(policies)('reads as reviewed: a micro-batch, recompute %s', async (policy) => {
    const [first] = runPrograms(tiny, 3, policy);
    await expect(print(first!)).toMatchFileSnapshot(`dumps/micro-batch.${policy}.txt`);
  });

  it('reads as reviewed: the update, evaluation and decoding', async () => {
    const [, , update, evaluate, decode] = runPrograms(tiny, 3, 'none');
    await expect(print(update!)).toMatchFileSnapshot('dumps/update.txt');
    await expect(print(evaluate!)).toMatchFileSnapshot('dumps/evaluate.txt');
    await expect(print(decode!)).toMatchFileSnapshot('dumps/decode.txt');
  });

  it('reads as reviewed: a micro-batch with dropout', async () => {
    const [first] = runPrograms({ ...tiny, nLayer: 1, dropout: 0.1 }, 3, 'block');
    await expect(print(first!)).toMatchFileSnapshot('dumps/micro-batch.dropout.txt');
  });

  it('marks in the further micro-batches what is added to', () => {
    const [first, further] = runPrograms(tiny, 3, 'none').map((p) => print(p).split('\n').slice(1));
    const different = further!.filter((line, i) => line !== first![i]);
    for (const line of different) expect(line).toMatch(/d\([^ ]*\)\[[^\]]*\] \+=|lossTotal\[1\] \+=/);
    // every gradient is added to: none of them is overwritten by a second micro-batch
    expect(further!.join('\n')).not.toMatch(/d\((wte|wpe|h\.\d+\.[a-z_.0-9]+|ln_f)\.(weight|bias)\)\[[^\]]*\] =/);
  });
});

/** What a run of a preset needs, a sequence at a time. */
function planRow({ name, shape }: (typeof presets)[number], policy: (typeof policies)[number]): string {
  const { totalBytes, roleBytes, peak } = plan(runPrograms(shape, 1, policy));
  const roles = Object.entries(roleBytes).filter(([, bytes]) => bytes > 0);
  const parts = roles.map(([role, bytes]) => `${role} ${formatBytes(bytes)}`);
  const at = `peak at ${peak!.program} ${peak!.index}: ${peak!.call.kind}${peak!.call.scope ? ` in ${peak!.call.scope}` : ''}`;
  return `${name}, recompute ${policy}: ${formatBytes(totalBytes)} (${parts.join(', ')}), ${at}`;
}

it('gives the presets plans as reviewed', async () => {
  const rows = presets.flatMap((preset) => policies.map((policy) => planRow(preset, policy)));
  await expect(rows.join('\n')).toMatchFileSnapshot('dumps/plans.txt');
});
