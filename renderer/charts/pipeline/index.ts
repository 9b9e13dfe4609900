/** From a run's measures to what is drawn: partition → axis → smooth → range → decimate, each a pure function. */
export { interpolate, onAxis, type Scale, stepsWithin, trainingHours } from './axis.ts';
export { decimate, within } from './decimate.ts';
export { partition } from './partition.ts';
export { logRange, type Range, rangeOf } from './range.ts';
export { refine } from './refine.ts';
export { smooth } from './smooth.ts';
export { type AxisKind, emptyLine, type Line } from './types.ts';
