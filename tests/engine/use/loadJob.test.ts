import { describe, expect, it } from 'vitest';
import { nullDevice } from '../../../electron/engine/devices/null.ts';
import { gpuAdvice, gpuMemory } from '../../../electron/engine/devices/cuda/room.ts';
import type { OpenedDevice } from '../../../electron/engine/devices/kind.ts';
import { OutOfMemory } from '../../../electron/engine/devices/outOfMemory.ts';
import { Model } from '../../../electron/engine/models/programs.ts';
import { loadOn, requireRoom } from '../../../electron/engine/use/loadJob.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { seeGpus } from '../../gpus.ts';

const gib = 2 ** 30;
const model = new Model({ vocabSize: 257, contextLength: 8, nLayer: 1, nHead: 1, nEmbd: 8, dropout: 0 });
const programs = [model.evaluation(1, 8).program, model.castWeights];
const { totalBytes } = plan(programs);

/** A GPU with so much free, of which others hold the rest; loading fails of what the driver says. */
function gpu(freeBytes: number, problem?: Error): OpenedDevice {
  const load: typeof nullDevice.load = (...what) =>
    problem === undefined ? nullDevice.load(...what) : Promise.reject(problem);
  const device = { ...nullDevice, kind: 'cuda', description: 'cuda: a GPU', load } as const;
  const memory = gpuMemory(0, { memoryBytes: gib, freeBytes }, 0, ['big']);
  return { device, memory, advice: gpuAdvice(['big']), peakFlops: () => Number.NaN };
}

describe('a job on a device that is open', () => {
  it('is planned where it fits to the byte, and refused where one is missing', () => {
    seeGpus([{}]);
    expect(requireRoom(gpu(totalBytes), 'Writing', programs).totalBytes).toBe(totalBytes);
    const refused = () => requireRoom(gpu(totalBytes - 1), 'Writing', programs);
    expect(refused).toThrow(UserError);
    expect(refused).toThrow(/^Writing needs .* cuda: a GPU has .* free, 1 B too little: the run big trains on it/);
  });

  it.each(['out of memory: 512 bytes could not be allocated on a GPU', "A program can't be prepared: out of memory"])(
    'is told in one line where it fits and the driver says: %s',
    async (problem) => {
      seeGpus([{}]);
      const failed = loadOn(gpu(gib, new OutOfMemory(problem)), 'Writing', programs);
      await expect(failed).rejects.toThrow(UserError);
      await expect(failed).rejects.toThrow(
        `Writing on cuda: a GPU failed (${problem}): the run big trains on it: pause it, or use`,
      );
    },
  );

  it('is told to make room where the memory is the machine’s', async () => {
    seeGpus([{}]);
    const problem = 'out of memory: 512 bytes could not be allocated on the host';
    const failed = loadOn(gpu(gib, new OutOfMemory(problem, true)), 'Writing', programs);
    await expect(failed).rejects.toThrow(`Writing on cuda: a GPU failed (${problem}): end other programs`);
  });

  it('fails of anything else as it is', async () => {
    seeGpus([{}]);
    const failed = loadOn(gpu(gib, new Error('an illegal address')), 'Writing', programs);
    await expect(failed).rejects.not.toThrow(UserError);
    await expect(failed).rejects.toThrow(/^an illegal address$/);
  });
});
