import type { Parameter } from '../gpt2/parameters.ts';
import { adamw } from '../program/ops/index.ts';
import type { ParameterStates, StateTensor } from './states.ts';
import { updateAttrs } from './states.ts';

/** Both moments in float32: 8 bytes an element. */
export function float32States(parameter: Parameter): ParameterStates {
  const { name, shape, fileShape } = parameter.spec;
  const tensor = (moment: 'm' | 'v'): StateTensor => ({
    name: `${moment}.${name}`,
    buffer: { name: `${moment}.${name}`, shape, dtype: 'f32', role: 'optimizer' },
    fileShape,
  });
  const [m, v] = [tensor('m'), tensor('v')];
  return {
    parameter,
    format: 'float32',
    tensors: [m, v],
    record(r, { settings, stats, scalars }) {
      const { value: p, gradient: g } = parameter;
      r.emit(adamw, { p, g, m: m.buffer, v: v.buffer, stats, scalars }, updateAttrs(settings, parameter));
    },
    decode: ([m, v]) => ({ m: m as Float32Array, v: v as Float32Array }),
    encode: ({ m, v }) => [m, v],
    countLost([m, v]) {
      let lost = 0;
      for (let i = 0; i < m!.length; i++) if (v![i] === 0 && m![i] !== 0) lost++;
      return lost;
    },
  };
}
