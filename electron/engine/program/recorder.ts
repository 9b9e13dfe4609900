import { argsOf, type OpSpec, opOf, sizesOf } from './declare.ts';
import { fused } from './fuse.ts';
import type { Gradients } from './gradients.ts';
import {
  type Buffer,
  type Call,
  type DType,
  isTransient,
  type Pass,
  type Precision,
  type Program,
  type Role,
} from './types.ts';

export type { Buffer, Program } from './types.ts';

/** What the recorder keeps for the backward pass, and what it computes again there. */
export const recomputePolicies = ['none', 'attention', 'block'] as const;
export type Recompute = (typeof recomputePolicies)[number];

export interface RecorderOptions {
  /** Take gradients: calls go on the tape, and `backward` may be called. */
  readonly training?: boolean;
  readonly recompute?: Recompute;
  /** Of the activations and their gradients. Default: float32. */
  readonly precision?: Precision;
  /** The gradient buffer of a parameter. Needed when training. */
  readonly gradientOf?: (parameter: Buffer) => Buffer;
  /** Gradients of parameters are added to (every micro-batch but the first) instead of overwritten. */
  readonly accumulate?: boolean;
}

const nothing: ReadonlySet<string> = new Set();

interface Taped {
  readonly backward: () => void;
}

/**
 * Records a model's forward pass as calls, keeps a tape of them, and plays the tape backwards for the gradients.
 * Nothing is computed here: the result is a Program for the planner, the cost model and the devices.
 */
export class Recorder implements Gradients {
  readonly #calls: Call[] = [];
  readonly #options: RecorderOptions;
  readonly #gradients = new Map<Buffer, Buffer>();
  readonly #written = new Set<Buffer>();
  #tape: Taped[] = [];
  #taping: boolean;
  #pass: Pass = 'forward';
  #scope = '';
  #names = new Map<string, number>();
  #streams = 0;

  constructor(options: RecorderOptions = {}) {
    this.#options = options;
    this.#taping = options.training ?? false;
  }

  /** Names the part of the model that `fn` records. */
  scope<T>(name: string, fn: () => T): T {
    const outer = this.#scope;
    this.#scope = outer ? `${outer}.${name}` : name;
    try {
      return fn();
    } finally {
      this.#scope = outer;
    }
  }

  /** A buffer that lives only while this program's calls need it. */
  transient(name: string, shape: readonly number[], role: Role = 'activation', dtype: DType = 'f32'): Buffer {
    const base = this.#scope ? `${this.#scope}.${name}` : name;
    const n = (this.#names.get(base) ?? 0) + 1;
    this.#names.set(base, n);
    return { name: n === 1 ? base : `${base}#${n}`, shape, dtype, role };
  }

  /** An activation in the precision of the program. */
  activation(name: string, shape: readonly number[]): Buffer {
    return this.transient(name, shape, 'activation', this.#options.precision);
  }

  /**
   * Records `fn`, a part of the model from one tensor to one tensor. Under a policy that covers `part`, what it computes
   * inside is dropped and recorded again just before its backward pass.
   */
  part(part: 'attention' | 'block', fn: () => Buffer): Buffer {
    if (!this.#taping || this.#options.recompute !== part) return fn();
    const scope = this.#scope;
    const stream = this.#streams;
    this.#taping = false;
    const output = fn();
    this.#taping = true;
    this.#tape.push({ backward: () => this.#recompute(fn, output, scope, stream) });
    return output;
  }

  #recompute(fn: () => Buffer, output: Buffer, scope: string, stream: number): void {
    const outer = { tape: this.#tape, pass: this.#pass, scope: this.#scope, streams: this.#streams };
    this.#tape = [];
    this.#taping = true;
    this.#pass = 'recompute';
    this.#scope = scope;
    this.#streams = stream; // the same dropout masks as the first time
    const again = fn();
    this.#gradients.set(again, this.of(output));
    this.#taping = false;
    this.#pass = outer.pass;
    this.#play();
    this.#tape = outer.tape;
    this.#scope = outer.scope;
    this.#streams = outer.streams;
  }

  #play(): void {
    for (const taped of this.#tape.reverse()) taped.backward();
    this.#tape = [];
  }

  /** A number for each place that draws random numbers, the same at each recording. */
  nextStream(): number {
    return this.#streams++;
  }

  /** Appends a call; on the tape too when it has a gradient rule and gradients are taken. */
  emit(
    op: OpSpec,
    args: Record<string, Buffer | undefined>,
    attrs: Record<string, number> = {},
    accumulate: string[] = [],
  ): void {
    const { dims, precision } = sizesOf(op, args);
    const all = { ...args };
    const scratch = op.workspace?.(dims, attrs, precision) ?? 0;
    if (scratch > 0) all.workspace = this.transient(`${op.kind}.workspace`, [scratch], 'workspace');
    const call: Call = {
      kind: op.kind,
      args: all,
      accumulate: accumulate.length === 0 ? nothing : new Set(accumulate),
      dims,
      attrs,
      precision,
      pass: this.#pass,
      scope: this.#scope,
    };
    this.#calls.push(call);
    const rule = op.gradient;
    if (this.#taping && rule) {
      const scope = this.#scope;
      this.#tape.push({
        backward: () => {
          const outer = this.#scope;
          this.#scope = scope;
          rule(this, call);
          this.#scope = outer;
        },
      });
    }
  }

  /** Plays the tape: emits the calls that take the gradient of everything recorded so far. */
  backward(): void {
    this.#taping = false;
    this.#pass = 'backward';
    this.#play();
  }

  /** Calls from here on change the parameters. */
  beginUpdate(): void {
    this.#taping = false;
    this.#pass = 'update';
  }

  of(output: Buffer): Buffer {
    const g = this.#gradients.get(output);
    if (!g) throw new Error(`nothing takes the gradient of ${output.name}`);
    return g;
  }

  into(input: Buffer): { buffer: Buffer; accumulate: boolean } {
    if (input.role === 'parameter' || input.role === 'working') {
      const buffer = this.#options.gradientOf?.(input);
      if (!buffer) throw new Error(`parameter ${input.name} has no gradient buffer`);
      const accumulate = this.#options.accumulate === true || this.#written.has(buffer);
      this.#written.add(buffer);
      return { buffer, accumulate };
    }
    const known = this.#gradients.get(input);
    if (known) return { buffer: known, accumulate: true };
    const outer = this.#scope;
    this.#scope = '';
    const buffer = this.transient(`d(${input.name})`, input.shape, 'activation', input.dtype);
    this.#scope = outer;
    this.#gradients.set(input, buffer);
    return { buffer, accumulate: false };
  }

  share(input: Buffer, gradient: Buffer): void {
    if (this.#gradients.has(input)) throw new Error(`${input.name} already has a gradient`);
    this.#gradients.set(input, gradient);
  }

  /** The recorded program, without calls whose results nothing reads, and with one call for two where that comes to the same. */
  program(name: string): Program {
    return { name, calls: fused(withoutDeadCalls(this.#calls)) };
  }
}

/** Drops calls that write only transient buffers that no later call reads (the end of a recomputed part). */
function withoutDeadCalls(calls: readonly Call[]): Call[] {
  const live = new Set<Buffer>();
  const kept: Call[] = [];
  for (let at = calls.length - 1; at >= 0; at--) {
    const call = calls[at]!;
    const { names, specs } = argsOf(opOf(call.kind));
    let isWanted = false;
    for (let i = 0; i < names.length && !isWanted; i++) {
      const b = specs[i]!.access === 'read' ? undefined : call.args[names[i]!];
      isWanted = b !== undefined && (!isTransient(b) || live.has(b));
    }
    if (!isWanted) continue;
    for (let i = 0; i < names.length; i++) {
      const b = call.args[names[i]!];
      const { access } = specs[i]!;
      const overwrites = access === 'write' || (access === 'sum' && !call.accumulate.has(names[i]!));
      if (b && !overwrites && isTransient(b)) live.add(b);
    }
    kept.push(call);
  }
  return kept.reverse();
}
