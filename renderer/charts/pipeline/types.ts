/** A measure over x: what a line is drawn from. NaN in y is drawn as such. */
export interface Line {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export const emptyLine: Line = { x: [], y: [] };

export type AxisKind = 'step' | 'tokens' | 'time';
