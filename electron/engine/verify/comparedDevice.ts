import { checkPrograms, type Device, type HostArray, hostArray, type Session } from '../devices/device.ts';
import { fromHalves, isHalf } from '../../base/halves.ts';
import { opOf } from '../program/declare.ts';
import { plan } from '../program/planner.ts';
import { type Buffer, type Call, isTransient, type Program } from '../program/types.ts';

/** One result of a call on two devices. */
export interface Comparison {
  readonly call: Call;
  /** Which argument. */
  readonly result: string;
  /** Largest difference, relative to the largest magnitude; of codes: the share that differs. */
  readonly difference: number;
}

/**
 * A device that runs every call on two, each by itself and on the same values, and tells where they differ. What comes
 * next is computed from the reference's results, so that a call is blamed for its own mistakes alone. Calls that
 * differ in nothing but their buffers are compared once.
 */
export function comparedDevice(tested: Device, reference: Device, report: (c: Comparison) => void): Device {
  const seen = new Set<string>();
  const device: Device = {
    kind: tested.kind,
    description: `${tested.description}, compared with ${reference.description}`,
    overheadBytes: () => tested.overheadBytes(),
    supports: (call) => tested.supports(call) ?? reference.supports(call),
    async load(programs) {
      checkPrograms(device, programs);
      return new ComparedSession(async (call, values) => {
        const results = await runAlone(reference, call, values);
        const what = signature(call);
        if (!seen.has(what)) {
          seen.add(what);
          const own = await runAlone(tested, call, values);
          for (const [result, expected] of results)
            report({ call, result, difference: difference(own.get(result)!, expected, call.args[result]!) });
        }
        return results;
      });
    },
  };
  return device;
}

/** By argument. */
type Values = ReadonlyMap<string, HostArray>;

/** All that a kernel is chosen by. */
const signature = (call: Call): string =>
  JSON.stringify([
    ...[call.kind, call.precision, call.dims, call.attrs, [...call.accumulate].sort()],
    Object.keys(call.args).filter((name) => call.args[name]),
  ]);

class ComparedSession implements Session {
  readonly queues = false;
  readonly #values = new Map<Buffer, HostArray>();
  readonly #runCall: (call: Call, values: Values) => Promise<Values>;

  constructor(runCall: (call: Call, values: Values) => Promise<Values>) {
    this.#runCall = runCall;
  }

  #valueOf(buffer: Buffer): HostArray {
    let value = this.#values.get(buffer);
    if (!value) this.#values.set(buffer, (value = hostArray(buffer)));
    return value;
  }

  write(buffer: Buffer, data: HostArray): void {
    this.#valueOf(buffer).set(data);
  }

  read(buffer: Buffer, target: HostArray = hostArray(buffer)): HostArray {
    target.set(this.#valueOf(buffer));
    return target;
  }

  async fetch(buffers: readonly Buffer[]): Promise<HostArray[]> {
    return buffers.map((buffer) => this.read(buffer));
  }

  async run(program: Program): Promise<void> {
    const last = new Map<Buffer, number>();
    for (const [i, call] of program.calls.entries())
      for (const b of Object.values(call.args)) if (b && isTransient(b)) last.set(b, i);
    for (const [i, call] of program.calls.entries()) {
      const args = Object.entries(call.args).filter(([name, b]) => b && name !== 'workspace');
      const values = new Map(args.map(([name, b]) => [name, this.#valueOf(b!)]));
      for (const [name, value] of await this.#runCall(call, values)) this.#values.set(call.args[name]!, value);
      for (const [, b] of args) if (last.get(b!) === i) this.#values.delete(b!);
    }
  }

  allocatedBytes(): number {
    return [...this.#values.values()].reduce((sum, v) => sum + v.byteLength, 0);
  }

  close(): void {
    this.#values.clear();
  }
}

/** Runs one call with memory of its own. @returns what it wrote */
async function runAlone(device: Device, call: Call, values: Values): Promise<Values> {
  const spec = opOf(call.kind);
  const own = new Map<Buffer, Buffer>();
  // Nothing wrote the inputs before: in a program of their own they must lie where values persist.
  const persistent = (b: Buffer): Buffer => {
    let copy = own.get(b);
    if (!copy) own.set(b, (copy = isTransient(b) || b.role === 'cache' ? { ...b, role: 'output' } : { ...b }));
    return copy;
  };
  const args = Object.fromEntries(
    Object.entries(call.args).flatMap(([name, b]) => (b ? [[name, name === 'workspace' ? b : persistent(b)]] : [])),
  );
  const program: Program = { name: call.kind, calls: [{ ...call, args }] };
  const session = await device.load([program], plan([program]));
  try {
    for (const [name, value] of values) session.write(args[name]!, value);
    await session.run(program);
    const written = [...values.keys()].filter((name) => spec.args[name]!.access !== 'read');
    return new Map(written.map((name) => [name, session.read(args[name]!)]));
  } finally {
    session.close();
  }
}

function difference(actual: HostArray, expected: HostArray, { dtype }: Buffer): number {
  if (actual instanceof Uint8Array) {
    let off = 0;
    for (let i = 0; i < actual.length; i++) if (actual[i] !== expected[i]) off++;
    return off / actual.length;
  }
  const widened = (x: HostArray) => (isHalf(dtype) ? fromHalves(x as Uint16Array, dtype) : x);
  const [a, b] = [widened(actual), widened(expected)];
  let [largest, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    // What is infinite or no number on both sides is the same.
    if (Object.is(a[i], b[i])) continue;
    const d = Math.abs(a[i]! - b[i]!);
    if (!(d <= largest)) largest = d;
    if (Number.isNaN(d)) return Number.POSITIVE_INFINITY;
  }
  for (let i = 0; i < b.length; i++) if (Number.isFinite(b[i]!)) size = Math.max(size, Math.abs(b[i]!));
  return largest === 0 ? 0 : size === 0 ? Number.POSITIVE_INFINITY : largest / size;
}
