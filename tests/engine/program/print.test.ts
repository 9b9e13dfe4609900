import { describe, expect, it } from 'vitest';
import { print } from '../../../electron/engine/program/print.ts';
import { gpt2, policies, runPrograms } from './shapes.ts';

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
