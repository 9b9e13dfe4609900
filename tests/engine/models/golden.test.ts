import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { statIndex } from '../../../electron/engine/ops/scalars.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { expectClose } from '../compare.ts';
import { emulated, hasEmulator } from '../../native/gpu.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { Golden, goldenCases, ints, readReal, stepScalars, writeWeights } from './golden.ts';
import { followSteps, isSlow, settings as training } from './goldenSteps.ts';

const devices = [tfjs, ...(hasCpu ? [cpu(2)] : []), ...(hasEmulator ? [emulated('random')] : [])];

describe.each(devices)('GPT-2 on $name against float64 PyTorch', ({ name: on, open }) => {
  describe.each(goldenCases)('%s', (name) => {
    const golden = new Golden(name);
    const model = new Model(golden.config);
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    const batch = () => golden.batch.inputs.length;
    const time = () => golden.batch.inputs[0]!.length;

    it('gives the logits of every token', async () => {
      const decode = model.decode(batch(), time(), model.cache(batch()));
      const session = await device.load([decode.program], plan([decode.program]));
      writeWeights(session, model.parameters, golden.tensors('model'));
      session.write(decode.inputs.tokens, ints(golden.batch.inputs));
      await session.run(decode.program);
      expectClose(session.read(decode.logits), golden.tensors('forward').get('logits')!, 2e-5, 'logits');
      session.close();
    });

    it('gives the loss of every token', async () => {
      const { program, inputs, losses } = model.evaluation(batch(), time());
      const session = await device.load([program], plan([program]));
      writeWeights(session, model.parameters, golden.tensors('model'));
      session.write(inputs.tokens, ints(golden.batch.inputs));
      session.write(inputs.targets, ints(golden.batch.targets));
      await session.run(program);
      expectClose(session.read(losses), golden.tensors('forward').get('token_losses')!, 2e-5, 'losses');
      session.close();
    });

    it('gives the gradient of every parameter, and their norm', async () => {
      const t = model.training({ ...training, batch: batch(), time: time() });
      const session = await device.load(t.programs, plan(t.programs));
      writeWeights(session, model.parameters, golden.tensors('model'));
      session.write(t.inputs.tokens, ints(golden.batch.inputs));
      session.write(t.inputs.targets, ints(golden.batch.targets));
      session.write(t.inputs.scalars, stepScalars(1, 0, [0.9, 0.95], batch() * time()));
      await session.run(t.first);
      const grads = golden.tensors('grads');
      for (const p of model.parameters.all) {
        expectClose(readReal(session, p, 'gradient'), grads.get(p.spec.name)!, 2e-5, p.spec.name);
      }
      await session.run(t.update);
      const norm = session.read(t.stats)[statIndex.gradNorm]!;
      expect(Math.abs(norm / golden.batch.grad_norm - 1)).toBeLessThan(2e-5);
      const loss = session.read(t.lossTotal)[0]! / (batch() * time());
      expect(Math.abs(loss / golden.batch.mean_loss - 1)).toBeLessThan(2e-5);
      session.close();
    });

    // What takes its time is in `goldenSteps.test.ts`.
    if (isSlow(on, name)) return;
    it('follows 20 training steps', async () => followSteps(device, golden));
  });
});
