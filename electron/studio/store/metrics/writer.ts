import type { MetricsRow } from './columns.ts';

export interface WriterOptions {
  /** Rows that are written at once at most. Default 512. */
  readonly maxRows?: number;
  /** How long a row may wait, in milliseconds. Default 300. */
  readonly maxDelayMs?: number;
}

/**
 * Collects rows and stores them many at a time: a transaction costs about as much as a hundred rows.
 * What fails in the background is thrown by the next call; rows that could not be stored are kept and tried again.
 */
export class MetricsWriter {
  readonly #insert: (rows: readonly MetricsRow[]) => void;
  readonly #maxRows: number;
  readonly #maxDelayMs: number;
  #rows: MetricsRow[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;

  constructor(insert: (rows: readonly MetricsRow[]) => void, { maxRows = 512, maxDelayMs = 300 }: WriterOptions = {}) {
    this.#insert = insert;
    this.#maxRows = maxRows;
    this.#maxDelayMs = maxDelayMs;
  }

  /** @throws UserError when the rows can't be stored: the disk is full, the file locked or read-only */
  add(row: MetricsRow): void {
    if (this.#closed) throw new Error('the metrics writer is closed');
    this.#throwFailure();
    this.#rows.push(row);
    if (this.#rows.length >= this.#maxRows) this.flush();
    else if (!this.#timer) {
      this.#timer = setTimeout(() => this.#flushInBackground(), this.#maxDelayMs);
      // Waiting rows don't keep a process alive: close() writes them.
      this.#timer.unref();
    }
  }

  /** Stores what waits. */
  flush(): void {
    this.#failure = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#rows.length === 0) return;
    this.#insert(this.#rows);
    this.#rows = [];
  }

  /** Stores what waits; no row can be added after. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
  }

  #flushInBackground(): void {
    try {
      this.flush();
    } catch (error) {
      this.#failure = { error };
    }
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}
