import { expect } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { statIndex } from '../../../electron/engine/ops/scalars.ts';
import { Model, type TrainingSettings } from '../../../electron/engine/models/programs.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { expectClose } from '../compare.ts';
import { type Golden, ints, readReal, stepScalars, writeWeights } from './golden.ts';

export const settings: Omit<TrainingSettings, 'batch' | 'time'> = {
  recompute: 'none',
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  gradClip: 1,
};

/** Of golden trainings: those that take long in plain JavaScript, or on an emulated GPU. */
export const isSlow = (device: string, model: string): boolean =>
  device.startsWith('emulated') || (device === 'tfjs' && model === 'gpt2-tiny');

/** Trains the 20 steps of a golden case: losses, norms and in the end the weights are those of float64 PyTorch. */
export async function followSteps(device: Device, golden: Golden): Promise<void> {
  const { batch, train } = golden;
  const model = new Model(golden.config);
  const [sequences, time] = [batch.inputs.length, batch.inputs[0]!.length];
  const t = model.training({ ...settings, batch: sequences, time });
  const session = await device.load(t.programs, plan(t.programs));
  writeWeights(session, model.parameters, golden.tensors('model'));
  const targets = sequences * time * train.micro_batches;
  for (const [i, { lr, loss, grad_norm }] of train.log.entries()) {
    session.write(t.inputs.scalars, stepScalars(i + 1, lr, train.betas, targets));
    for (const [micro, rows] of train.batches[i]!.entries()) {
      session.write(t.inputs.tokens, ints(rows.map((r) => r.slice(0, -1))));
      session.write(t.inputs.targets, ints(rows.map((r) => r.slice(1))));
      await session.run(micro === 0 ? t.first : t.further);
    }
    await session.run(t.update);
    const mean = session.read(t.lossTotal)[0]! / targets;
    expect(Math.abs(mean / loss - 1), `loss of step ${i + 1}`).toBeLessThan(1e-4);
    const norm = session.read(t.stats)[statIndex.gradNorm]!;
    expect(Math.abs(norm / grad_norm - 1), `gradient norm of step ${i + 1}`).toBeLessThan(1e-3);
  }
  const trained = golden.tensors('trained');
  for (const p of model.parameters.all) {
    expectClose(readReal(session, p), trained.get(p.spec.name)!, 1e-3, p.spec.name);
  }
  session.close();
}
