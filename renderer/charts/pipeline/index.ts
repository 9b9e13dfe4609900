/** From a run's measures to what is drawn: partition → smooth → axis → range → decimate, each a pure function. */
export { interpolate, onAxis, type Scale, stepsWithin, trainingHours } from './axis.ts';
export { decimate, within } from './decimate.ts';
export { type Envelope, envelope } from './envelope.ts';
export { meanAndRange } from './group.ts';
export { partition } from './partition.ts';
export { logRangeOf, outside, type Range, rangeOf, scaledRange, shiftedRange, zoomRange } from './range.ts';
export { nearestPoint, nextX, readingsAt, type Reading, type TableRow, tableRows } from './reading.ts';
export { refine } from './refine.ts';
export { smooth, spacingOf } from './smooth.ts';
export { type Axis, axisOf, distinctLabels, linearTicks, logTicks } from './ticks.ts';
export { type AxisKind, emptyLine, type Line } from './types.ts';
