import { describe, expect, it } from 'vitest';
import { loadBackend } from '../../../electron/engine/devices/tfjs/backend.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { isTransient } from '../../../electron/engine/program/types.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { gradients, randomBatch, smallConfig, trainingSession } from './small.ts';
import { lack, where } from '../../frame/needs.ts';

describe('memory of the tfjs device', () => {
  it('holds persistent buffers only, between programs, and nothing after close', async () => {
    const { tf } = await loadBackend();
    const before = tf.memory().numTensors;
    const trained = await trainingSession(await tfjs.open(), smallConfig, 2, 'block');
    const persistent = [...plan(trained.training.programs).placements.keys()].filter((b) => !isTransient(b)).length;
    for (let step = 0; step < 3; step++) {
      await gradients(trained, [randomBatch(smallConfig, 2), randomBatch(smallConfig, 2)]);
      await trained.session.run(trained.training.update);
      expect(tf.memory().numTensors - before).toBe(persistent);
    }
    trained.session.close();
    expect(tf.memory().numTensors).toBe(before);
    expect(trained.session.allocatedBytes()).toBe(0);
  });

  it('lets other work of the process go on between calls', async () => {
    const trained = await trainingSession(await tfjs.open(), smallConfig, 2);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await gradients(trained, [randomBatch(smallConfig, 2)]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    trained.session.close();
  });
});

where(describe, [hasCpu, lack.cpu])('memory of the cpu device', () => {
  it('is what the plan says, to the byte', async () => {
    const trained = await trainingSession(await cpu(2).open(), smallConfig, 2, 'block');
    expect(trained.session.allocatedBytes()).toBe(plan(trained.training.programs).totalBytes);
    trained.session.close();
  });
});

describe.each([tfjs, ...(hasCpu ? [cpu(1)] : [])])('a session on $name', ({ open }) => {
  it('starts zeroed, keeps what is written, and refuses wrong sizes by name', async () => {
    const { session, model, training } = await trainingSession(await open(), smallConfig, 1);
    expect(session.read(training.optimizer.tensors[0]!.buffer).every((x) => x === 0)).toBe(true);
    const bias = model.parameters.get('h.0.ln_1.bias');
    const data = Float32Array.from({ length: 21 }, (_, i) => i / 7);
    session.write(bias, data);
    const sent = data.slice();
    data.fill(9); // what the caller does with its array afterwards is its own affair
    expect(session.read(bias)).toEqual(sent);
    const target = new Float32Array(21);
    expect(session.read(bias, target)).toBe(target);
    expect(target).toEqual(sent);
    expect(() => session.write(bias, new Float32Array(20))).toThrow(/h\.0\.ln_1\.bias holds 84 bytes, not 80/);
    expect(() => session.read(model.parameters.get('wte.weight'), target)).toThrow(/wte\.weight/);
    const stranger = { ...bias, name: 'stranger' };
    expect(() => session.read(stranger)).toThrow(/stranger has no place in the plan/);
    const [other] = model.training({
      ...{ batch: 1, time: 3, recompute: 'none', gradClip: 1 },
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-8,
      weightDecay: 0,
    }).programs;
    await expect(session.run(other!)).rejects.toThrow(/firstMicroBatch is not loaded/);
    session.close();
  });
});
