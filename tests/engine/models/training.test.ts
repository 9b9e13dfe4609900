import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { scalarIndex, statIndex } from '../../../electron/engine/ops/scalars.ts';
import { eps32, expectClose, sameBits } from '../compare.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { Random } from '../random.ts';
import { cut, gradients, randomBatch, randomWeights, smallConfig, trainingSession, write } from './small.ts';

describe.each([tfjs, ...(hasCpu ? [cpu(2)] : [])])('training on $name', ({ open }) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });

  it.each([0, 0.2])('computes the same bits whatever is recomputed (dropout %d)', async (dropout) => {
    const config = { ...smallConfig, dropout };
    const batch = randomBatch(config, 2);
    const kept = await trainingSession(device, config, 2, 'none');
    const expected = await gradients(kept, cut(batch, 1));
    kept.session.close();
    for (const policy of ['attention', 'block'] as const) {
      const again = await trainingSession(device, config, 2, policy);
      const { total, gradients: g } = await gradients(again, cut(batch, 1));
      expect(total).toBe(expected.total);
      for (const [name, values] of g)
        expect(sameBits(values, expected.gradients.get(name)!), `${policy} ${name}`).toBe(true);
      again.session.close();
    }
  });

  it('gives the gradients of one large batch from 4 micro-batches', async () => {
    const batch = randomBatch(smallConfig, 4);
    const large = await trainingSession(device, smallConfig, 4);
    const expected = await gradients(large, [batch]);
    const small = await trainingSession(device, smallConfig, 1);
    const actual = await gradients(small, cut(batch, 4));
    expect(Math.abs(actual.total / expected.total - 1)).toBeLessThan(8 * eps32);
    for (const [name, g] of actual.gradients) expectClose(g, expected.gradients.get(name)!, 2e-5, name);
    large.session.close();
    small.session.close();
  });

  it('starts each step anew: what the step before left in the gradients does not matter', async () => {
    const trained = await trainingSession(device, smallConfig, 2);
    const batches = cut(randomBatch(smallConfig, 4), 2);
    const first = await gradients(trained, batches);
    const second = await gradients(trained, batches);
    for (const [name, g] of second.gradients) expect(sameBits(g, first.gradients.get(name)!), name).toBe(true);
    trained.session.close();
  });

  it.each(['none', 'block'] as const)('differentiates what dropout left (recompute %s)', async (policy) => {
    const config = { ...smallConfig, dropout: 0.2 };
    const trained = await trainingSession(device, config, 2, policy);
    const batch = randomBatch(config, 2);
    const { gradients: g } = await gradients(trained, [batch]);
    const weights = randomWeights(trained.model.parameters);
    const random = new Random(4);
    const direction = new Map([...g].map(([name, v]) => [name, v.map(() => random.pick([-1, 1]))]));
    const meanLossAt = async (step: number) => {
      const moved = [...weights].map(
        ([name, w]) => [name, w.map((x, i) => x + step * direction.get(name)![i]!)] as const,
      );
      write(trained.session, trained.model.parameters, new Map(moved));
      return (await gradients(trained, [batch])).total / batch.targets.length;
    };
    const central = async (h: number) => ((await meanLossAt(h)) - (await meanLossAt(-h))) / (2 * h);
    const measured = (4 * (await central(1e-3)) - (await central(2e-3))) / 3;
    let [exact, squares] = [0, 0];
    for (const [name, v] of g) {
      v.forEach((x, i) => {
        exact += x * direction.get(name)![i]!;
        squares += x * x;
      });
    }
    expect(Math.abs(measured - exact)).toBeLessThan(5e-3 * Math.sqrt(squares));
    trained.session.close();
  });

  it('draws other masks for another micro-batch and seed, the same for the same', async () => {
    const trained = await trainingSession(device, { ...smallConfig, dropout: 0.2 }, 2);
    const batch = randomBatch(smallConfig, 2);
    const totals: number[] = [];
    for (const rng of [
      [1, 0, 0, 0],
      [2, 0, 0, 0],
      [1, 0, 1, 0],
      [1, 1, 0, 0],
      [1, 0, 0, 1],
      [1, 0, 0, 0],
    ]) {
      trained.session.write(trained.training.inputs.rng, Int32Array.from(rng));
      totals.push((await gradients(trained, [batch])).total);
    }
    expect(new Set(totals.slice(0, 5)).size).toBe(5);
    expect(totals[5]).toBe(totals[0]);
    trained.session.close();
  });

  it('skips the update of a step whose gradient is not finite, and says so', async () => {
    const trained = await trainingSession(device, smallConfig, 2);
    const { session, training, model } = trained;
    await gradients(trained, [randomBatch(smallConfig, 2)]);
    const poisoned = model.parameters.all[3]!;
    const g = session.read(poisoned.gradient) as Float32Array;
    g[1] = Number.NaN;
    session.write(poisoned.gradient, g);
    await session.run(training.update);
    const stats = session.read(training.stats);
    expect(stats[statIndex.nonFinite]).toBe(1);
    expect(stats[statIndex.clipFactor]).toBe(0);
    const weights = randomWeights(model.parameters);
    for (const p of model.parameters.all) {
      expect(sameBits(session.read(p.value) as Float32Array, weights.get(p.spec.name)!), p.spec.name).toBe(true);
    }
    for (const s of training.optimizer.tensors) expect(session.read(s.buffer).every((x) => x === 0)).toBe(true);
    session.close();
  });

  it('takes the loss scale out of the gradient norm and the update', async () => {
    const results: Float32Array[][] = [];
    const norms: number[] = [];
    for (const scale of [1, 1024]) {
      const trained = await trainingSession(device, smallConfig, 2);
      const { session, training, model } = trained;
      const batch = randomBatch(smallConfig, 2);
      await gradients(trained, [batch]);
      const scalars = session.read(training.inputs.scalars) as Float32Array;
      scalars[scalarIndex.lossScale] = scale;
      scalars[scalarIndex.lossGradient]! *= scale;
      session.write(training.inputs.scalars, scalars);
      session.write(training.inputs.tokens, batch.tokens);
      session.write(training.inputs.targets, batch.targets);
      await session.run(training.first);
      await session.run(training.update);
      norms.push(session.read(training.stats)[statIndex.gradNorm]!);
      results.push(model.parameters.all.map((p) => session.read(p.value) as Float32Array));
      session.close();
    }
    expect(norms[1]! / norms[0]!).toBeCloseTo(1, 5);
    for (const [i, values] of results[0]!.entries()) expectClose(results[1]![i]!, values, 1e-4, `parameter ${i}`);
  });
});
