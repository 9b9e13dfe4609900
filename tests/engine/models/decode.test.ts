import { beforeAll, describe, it } from 'vitest';
import type { Device, Session } from '../../../electron/engine/devices/device.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { eps32, expectClose } from '../compare.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { randomBatch, randomWeights, smallConfig, write } from './small.ts';

const batch = 2;
const time = smallConfig.contextLength;
const { tokens } = randomBatch(smallConfig, batch);

/** Columns `from` to `from + width` of tokens [batch, time]. */
const columns = (from: number, width: number) =>
  Int32Array.from({ length: batch * width }, (_, i) => tokens[Math.floor(i / width) * time + from + (i % width)]!);

describe.each([tfjs, ...(hasCpu ? [cpu(2)] : [])])('decoding on $name', ({ open }) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });

  it.each([
    { name: 'token by token', widths: Array.from({ length: time }, () => 1) },
    { name: 'in uneven pieces', widths: [5, 1, 1, 6] },
  ])('gives the logits of the whole sequence $name', async ({ widths }) => {
    const model = new Model(smallConfig);
    const cache = model.cache(batch);
    const whole = model.decode(batch, time, cache);
    const pieces = new Map([...new Set(widths)].map((w) => [w, model.decode(batch, w, cache, whole.inputs)]));
    const programs = [whole, ...pieces.values()].map((p) => p.program);
    const session: Session = await device.load(programs, plan(programs));
    write(session, model.parameters, randomWeights(model.parameters));

    session.write(whole.inputs.tokens, tokens);
    await session.run(whole.program);
    const expected = session.read(whole.logits);
    const { vocabSize } = smallConfig;
    for (const { k, v } of cache)
      for (const b of [k, v]) session.write(b, new Float32Array(batch * time * 21).fill(Number.NaN));

    let position = 0;
    for (const width of widths) {
      const piece = pieces.get(width)!;
      session.write(piece.inputs.tokens, columns(position, width));
      session.write(whole.inputs.position, Int32Array.of(position));
      await session.run(piece.program);
      const logits = session.read(piece.logits);
      for (let row = 0; row < batch; row++) {
        const from = (row * time + position) * vocabSize;
        const there = expected.subarray(from, from + width * vocabSize);
        const here = logits.subarray(row * width * vocabSize, (row + 1) * width * vocabSize);
        expectClose(here, there, 64 * eps32, `sequence ${row} at ${position}`);
      }
      position += width;
    }
    session.close();
  });
});
