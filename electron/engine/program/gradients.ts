import type { OpSpec } from './declare.ts';
import type { Buffer } from './types.ts';

/** What a gradient rule may do: look up, place and share gradients, and emit calls. */
export interface Gradients {
  /** The gradient of a forward output. */
  of(output: Buffer): Buffer;
  /** Where a rule puts the gradient of a forward input, and whether it must add to what is there. */
  into(input: Buffer): { buffer: Buffer; accumulate: boolean };
  /** Says that the gradient of `input` is `gradient` itself (a residual connection): no copy. */
  share(input: Buffer, gradient: Buffer): void;
  /** Emits a call; the arguments named in `accumulate` are added to. */
  emit(
    op: OpSpec,
    args: Record<string, Buffer | undefined>,
    attrs?: Record<string, number>,
    accumulate?: string[],
  ): void;
}

/**
 * Emits a call whose `sum` arguments are gradients of forward inputs: `targets` maps argument name to forward input.
 */
export function emitInto(
  g: Gradients,
  op: OpSpec,
  args: Record<string, Buffer | undefined>,
  targets: Record<string, Buffer | undefined>,
  attrs: Record<string, number> = {},
): void {
  const all = { ...args };
  const accumulate: string[] = [];
  for (const [name, input] of Object.entries(targets)) {
    if (!input) continue;
    const t = g.into(input);
    all[name] = t.buffer;
    if (t.accumulate) accumulate.push(name);
  }
  g.emit(op, all, attrs, accumulate);
}
