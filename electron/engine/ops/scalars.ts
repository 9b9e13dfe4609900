/** Places in the `scalars` buffer: the numbers that change from step to step. */
export const scalarIndex = {
  learningRate: 0,
  /** 1 / (1 - β1ᵗ) */
  biasCorrection1: 1,
  /** 1 / (1 - β2ᵗ) */
  biasCorrection2: 2,
  lossScale: 3,
  /** d(scaled loss) / d(one token's loss): lossScale / targets of the whole step. */
  lossGradient: 4,
} as const;

export const scalarCount = 8;

/** Places in the `stats` buffer, written by clipFactor. */
export const statIndex = { gradNorm: 0, clipFactor: 1, nonFinite: 2 } as const;
