import { expect, it } from 'vitest';
import { cpu, hasCpu } from '../devices.ts';
import { emulated, hasEmulator } from '../../native/gpu.ts';
import { hasInterpretedGpu, interpreted } from '../../native/ptx/interpreter.ts';
import { run } from './oneCall.ts';

const devices = [
  ...(hasCpu ? [cpu(1)] : []),
  ...(hasEmulator ? [emulated('forward')] : []),
  ...(hasInterpretedGpu ? [interpreted('forward')] : []),
];

it.each(devices)('a small loss keeps its digits however large the logits are: $name', async ({ open }) => {
  const device = await open();
  const [paddedVocab, gap] = [64, 12];
  for (const top of [10, 100, 1000]) {
    // One row whose logits are `top` for the target and `top - gap` for all others.
    const wte = Float32Array.from({ length: paddedVocab }, (_, i) => (i === 7 ? top : top - gap));
    const { losses } = await run(device, {
      kind: 'headCrossEntropy',
      dims: { rows: 1, width: 1, paddedVocab },
      attrs: { vocab: paddedVocab },
      present: [],
      accumulate: [],
      values: { x: Float32Array.of(1), wte, targets: Int32Array.of(7) },
    });
    const expected = Math.log1p((paddedVocab - 1) * Math.exp(-gap));
    expect(Math.abs(losses![0]! / expected - 1), `logits of ${top}`).toBeLessThan(1e-3);
  }
});
