/** Every kind of call. */

export * from './attention.ts';
export * from './cast.ts';
export * from './dropout.ts';
export * from './embed.ts';
export * from './head.ts';
export * from './layerNorm.ts';
export * from './linear.ts';
export * from './packed.ts';
export * from './update.ts';
