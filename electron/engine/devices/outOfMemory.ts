/** That there was too little memory, of a device or of the host. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
  /** See `failureOf`. */
  readonly failure = 'memory';
  readonly isOfHost: boolean;

  /** @param isOfHost whether it was the host's memory, where a device has its own */
  constructor(message: string, isOfHost = false, options?: ErrorOptions) {
    super(message, options);
    this.isOfHost = isOfHost;
  }
}

/** Whether there was too little memory, of a device or of the host. */
export const isOutOfMemory = (error: unknown): boolean => error instanceof OutOfMemory;
/** Whether it was a GPU's. */
export const isGpuFull = (error: unknown): boolean => error instanceof OutOfMemory && !error.isOfHost;
