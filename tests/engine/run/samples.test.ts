import { expect, it } from 'vitest';
import { createCpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { tempDir } from '../../temp.ts';
import { hasCpu } from '../devices.ts';
import { smallRun, train } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const sampled = async (sampling: object) => {
  const config = smallRun({ sampling: { tokens: 2, prompts: ['a', 'b'], ...sampling }, checkpoints: { every: 2 } });
  const { events } = await train(createCpuDevice(), tempDir(), config);
  return events.flatMap((e) => (e.type === 'sample' ? [[e.step, e.prompt, e.seed - config.seed]] : []));
};

where(it, [hasCpu, lack.cpu])(
  'prompts are answered with every checkpoint on the schedule, each with its own seed',
  async () => {
    const at = (step: number) => [
      [step, 'a', 0],
      [step, 'b', 1],
    ];
    expect(await sampled({})).toEqual([0, 2, 4, 6].flatMap(at));
    expect(await sampled({ every: 3 })).toEqual([0, 3, 6].flatMap(at));
    expect(await sampled({ every: 0 })).toEqual([0, 6].flatMap(at));
  },
);
