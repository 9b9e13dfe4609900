/** Every kind of call: those of models, and with them those of optimizers, which declare their own. */

import '../optimizers/index.ts';

export * from './attention.ts';
export * from './cast.ts';
export * from './dropout.ts';
export * from './embed.ts';
export * from './embedTokens.ts';
export * from './geluTanh.ts';
export * from './head.ts';
export * from './layerNorm.ts';
export * from './linear.ts';
import './linearGeluTanh.ts';
export * from './packed.ts';
export * from './rotary.ts';
export * from './update.ts';
