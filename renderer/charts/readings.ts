/** A value as it is read. */
export interface Value {
  readonly key: string;
  readonly label: string;
  readonly color: string;
  readonly value: string;
  readonly smoothed: string | undefined;
  /** The value in another unit. */
  readonly beside: string | undefined;
  /** Where it was measured, if not where the cursor is. */
  readonly at: string | undefined;
  /** It is the line's best one. */
  readonly best: boolean;
}

/** What a chart says where the cursor is. */
export interface Readout {
  readonly x: number;
  /** Pixels. */
  readonly left: number;
  readonly values: readonly Value[];
  readonly notes: readonly string[];
}
