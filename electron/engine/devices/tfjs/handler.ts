import type { Call } from '../../program/types.ts';
import type { Tensor, Tf } from './backend.ts';

/** What the handler of one kind of call is given. */
export interface Given {
  readonly tf: Tf;
  /** The value of an argument, in its buffer's shape. @throws Error when the call has no such argument */
  arg(name: string): Tensor;
  /** The value of an optional argument. */
  optional(name: string): Tensor | undefined;
  readonly dims: Call['dims'];
  readonly attrs: Call['attrs'];
}

/**
 * Computes a call. Returns new values of the arguments that it writes: whole ones, also of those that the call
 * accumulates into (the session adds them to what was there).
 */
export type Handler = (given: Given) => Record<string, Tensor>;
