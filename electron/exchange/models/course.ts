/** How whoever waits follows and ends what takes long. */
export interface Course {
  readonly signal?: AbortSignal;
  /** Called with tensors that are done, and all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Reads tensors, unless nobody wants them any more. */
export function counted<T>(
  { signal, onProgress }: Course,
  total: number,
  read: (tensor: string) => Promise<T>,
): (tensor: string) => Promise<T> {
  let done = 0;
  return async (tensor) => {
    signal?.throwIfAborted();
    const values = await read(tensor);
    onProgress?.(Math.min(++done, total), total);
    return values;
  };
}
