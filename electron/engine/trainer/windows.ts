/** One sequence: `targets` is `inputs` moved by one token. */
export interface Window {
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
}

/** The training data: the n-th sequence since a run's start, for any n. */
export interface Sequences {
  read(n: number): Window;
}

/** A fixed set of windows, to evaluate on. */
export interface Windows {
  readonly count: number;
  read(index: number): Window;
}
