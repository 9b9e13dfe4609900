import type { Handler } from '../handler.ts';
import { attentionHandlers } from './attention.ts';
import { castHandlers } from './cast.ts';
import { dropoutHandlers } from './dropout.ts';
import { embedHandlers } from './embed.ts';
import { headHandlers } from './head.ts';
import { layerNormHandlers } from './layerNorm.ts';
import { linearHandlers } from './linear.ts';
import { lowBitHandlers } from './lowBit.ts';
import { packedHandlers } from './packed.ts';
import { rotaryHandlers } from './rotary.ts';
import { updateHandlers } from './update.ts';

/** The handler of every kind of call. */
export const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries<Handler>({
    ...attentionHandlers,
    ...castHandlers,
    ...dropoutHandlers,
    ...embedHandlers,
    ...headHandlers,
    ...layerNormHandlers,
    ...linearHandlers,
    ...lowBitHandlers,
    ...packedHandlers,
    ...rotaryHandlers,
    ...updateHandlers,
  }),
);
