import { checkHeads, type ModelFamily } from '../model.ts';
import { modelConfigSchema } from './config.ts';
import { forward } from './forward.ts';
import { parameterTable } from './parameters.ts';

/**
 * GPT-2 (Radford et al. 2019; Hugging Face's `GPT2LMHeadModel`): learned positions, layer norms in front, biases everywhere,
 * GELU, the output head tied to the embedding.
 */
export const gpt2: ModelFamily = {
  name: 'gpt2',
  configSchema: modelConfigSchema,
  check: checkHeads,
  parameterTable,
  forward,
  headWeight: 'wte.weight',
  keyValueHeads: ({ nHead }) => nHead,
  /**
   * As nanoGPT and PaLM (Chowdhery et al. 2022, appendix B) count them: 6 per parameter that multiplies an activation, and
   * 12·L·C·T for attention.
   */
  flopsPerToken({ nLayer: L, nEmbd: C, vocabSize: V }, contextLength) {
    const matrices = L * 12 * C * C + V * C;
    return 6 * matrices + 12 * L * C * contextLength;
  },
};
