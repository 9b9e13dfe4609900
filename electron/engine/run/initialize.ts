import { PhiloxStream } from '../../base/rng/philox.ts';
import type { Session } from '../devices/device.ts';
import type { ParameterSpec } from '../models/parameters.ts';
import type { Model } from '../models/programs.ts';
import { elements } from '../program/types.ts';

/**
 * The initial values of one parameter: the same for a seed on every device. The rows that pad the vocabulary are zero.
 * @param index the parameter's row in the table: its own stream of random numbers
 */
export function initialValues(spec: ParameterSpec, index: number, seed: number): Float32Array {
  const values = new Float32Array(elements(spec.shape));
  const real = values.subarray(0, elements(spec.fileShape));
  switch (spec.init.kind) {
    case 'normal':
      new PhiloxStream(seed, index).fillNormal(real, spec.init.std);
      break;
    case 'ones':
      real.fill(1);
      break;
    case 'zeros':
      break;
  }
  return values;
}

/** Writes freshly initialized weights to a device. */
export async function initialize(session: Session, model: Model, seed: number): Promise<void> {
  for (const [index, { spec, value }] of model.parameters.all.entries()) {
    session.write(value, initialValues(spec, index, seed));
  }
  await session.run(model.castWeights);
}
