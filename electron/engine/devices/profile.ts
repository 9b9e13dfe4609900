import { callCost } from '../program/cost.ts';
import type { Program } from '../program/types.ts';

/** The calls of one kind, added up. */
export interface OpTime {
  readonly kind: string;
  readonly calls: number;
  readonly seconds: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Where the time of programs goes, by kind of op; FLOPs and bytes are those that the ops declare. */
export class Profile {
  readonly #times = new Map<Program, { readonly seconds: Float64Array; runs: number }>();

  /** Where a device adds the seconds of each call of a program's next run. */
  timesOf(program: Program): Float64Array {
    let times = this.#times.get(program);
    if (!times) {
      times = { seconds: new Float64Array(program.calls.length), runs: 0 };
      this.#times.set(program, times);
    }
    times.runs++;
    return times.seconds;
  }

  /** The slowest kind first. */
  byKind(): OpTime[] {
    const kinds = new Map<string, OpTime>();
    for (const [program, { seconds, runs }] of this.#times) {
      for (const [i, call] of program.calls.entries()) {
        const old = kinds.get(call.kind) ?? { kind: call.kind, calls: 0, seconds: 0, flops: 0, bytes: 0 };
        const { flops, bytes } = callCost(call);
        kinds.set(call.kind, {
          kind: call.kind,
          calls: old.calls + runs,
          seconds: old.seconds + seconds[i]!,
          flops: old.flops + runs * flops,
          bytes: old.bytes + runs * bytes,
        });
      }
    }
    return [...kinds.values()].sort((a, b) => b.seconds - a.seconds);
  }
}
