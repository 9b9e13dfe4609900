import { z } from 'zod';
import { modelShape } from '../model.ts';

/** The shape of a GPT-2 model (Radford et al. 2019). */
export const modelConfigSchema = z.strictObject(modelShape);

export const layerNormEps = 1e-5;
