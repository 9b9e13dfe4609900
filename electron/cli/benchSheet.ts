import { defaultDevice } from '../engine/devices/choose.ts';
import { gpuKind } from '../engine/devices/registry.ts';
import { dataSheetOf, findGpu, type Gpu } from '../engine/fit/gpus.ts';
import { UserError } from '../base/errors.ts';
import { formatBytes } from '../base/format.ts';
import { parseInteger } from './numbers.ts';

/**
 * The data sheet of a GPU.
 * @param id of the table; `here` is this machine's GPU, the one that a run would take, and `here:1` its second
 * @throws UsageError when there is no such id, UserError when the GPU here can't be used or is not in the table
 */
export function gpuOf(id: string): Gpu {
  const [here, ordinal] = id.toLowerCase().split(':');
  if (here !== 'here') return findGpu(id);
  const wanted = ordinal === undefined ? (defaultDevice().gpu ?? 0) : parseInteger('--gpu here:', ordinal);
  const { gpus, problem } = gpuKind.gpus.find();
  const found = gpus.find((g) => g.ordinal === wanted);
  if (!found?.gpu) {
    const reason = found?.problem ?? problem ?? `there are ${gpus.length}, counted from 0`;
    throw new UserError(`The GPU ${wanted} of this machine can't be used: ${reason}. Name one of the table.`);
  }
  const { name, memoryBytes } = found.gpu;
  const sheet = dataSheetOf(found.gpu);
  if (sheet) return sheet;
  throw new UserError(
    `This machine's ${name} with ${formatBytes(memoryBytes)} is not in the table of data sheets: name one that is (--help lists them).`,
  );
}
