import { setImmediate } from 'node:timers/promises';
import { opOf } from '../../program/declare.ts';
import type { Plan } from '../../program/planner.ts';
import { type Buffer, byteLength, type Call, isTransient, type Program } from '../../program/types.ts';
import { type HostArray, hostArray, type Session } from '../device.ts';
import { fromHalves, isHalf, rounded, toHalves } from '../../../base/halves.ts';
import type { Tensor, Tf } from './backend.ts';
import { handlers } from './ops/index.ts';

/**
 * A tensor for every buffer that holds a value: persistent ones from the start, transient ones while they are needed.
 * Numbers in half precision are held as float32, rounded after each call; codes of 8 bits in 32.
 */
export class TfjsSession implements Session {
  readonly queues = false;
  readonly #tf: Tf;
  readonly #plan: Plan;
  readonly #tensors = new Map<Buffer, Tensor>();
  /** The transient buffers that each call of a program is the last to use. */
  readonly #ending: ReadonlyMap<Program, readonly (readonly Buffer[])[]>;

  constructor(tf: Tf, programs: readonly Program[], plan: Plan) {
    this.#tf = tf;
    this.#plan = plan;
    this.#ending = new Map(programs.map((p) => [p, endingBuffers(p)]));
    for (const buffer of plan.placements.keys()) if (!isTransient(buffer)) this.write(buffer, hostArray(buffer));
  }

  write(buffer: Buffer, data: HostArray): void {
    this.#check(buffer, data);
    const values = isHalf(buffer.dtype) ? fromHalves(data as Uint16Array, buffer.dtype) : data.slice();
    const dtype = values instanceof Float32Array ? 'float32' : 'int32';
    this.#set(buffer, this.#tf.tensor(values, [...buffer.shape], dtype)); // a copy: tf.tensor keeps what it is given
  }

  read(buffer: Buffer, target: HostArray = hostArray(buffer)): HostArray {
    this.#check(buffer, target);
    const values = this.#value(buffer).dataSync();
    target.set(isHalf(buffer.dtype) ? toHalves(values as Float32Array, buffer.dtype) : values);
    return target;
  }

  async fetch(buffers: readonly Buffer[]): Promise<HostArray[]> {
    return buffers.map((buffer) => this.read(buffer));
  }

  async run(program: Program): Promise<void> {
    const ending = this.#ending.get(program);
    if (!ending) throw new Error(`program ${program.name} is not loaded`);
    for (const [i, call] of program.calls.entries()) {
      this.#execute(call);
      for (const buffer of ending[i]!) this.#drop(buffer);
      await setImmediate(); // the process that owns the device answers messages between calls
    }
  }

  allocatedBytes(): number {
    let bytes = 0;
    for (const buffer of this.#tensors.keys()) bytes += byteLength(buffer);
    return bytes;
  }

  close(): void {
    for (const buffer of [...this.#tensors.keys()]) this.#drop(buffer);
  }

  #execute(call: Call): void {
    const handler = handlers.get(call.kind)!;
    const optional = (name: string) => {
      const buffer = call.args[name];
      return buffer && this.#value(buffer);
    };
    const arg = (name: string) => {
      const value = optional(name);
      if (!value) throw new Error(`${call.kind}: argument ${name} is missing`);
      return value;
    };
    const results = this.#tf.tidy(() => {
      const made = handler({ tf: this.#tf, arg, optional, dims: call.dims, attrs: call.attrs });
      for (const name of call.accumulate) made[name] = arg(name).add(made[name]!);
      return made;
    });
    for (const [name, value] of Object.entries(results)) {
      const buffer = call.args[name];
      if (buffer && opOf(call.kind).args[name]!.access !== 'read') this.#set(buffer, this.#rounded(buffer, value));
      else value.dispose(); // a result that this call does not ask for
    }
  }

  #rounded({ dtype }: Buffer, value: Tensor): Tensor {
    if (!isHalf(dtype)) return value;
    const result = this.#tf.tensor(rounded(value.dataSync() as Float32Array, dtype), value.shape);
    value.dispose();
    return result;
  }

  #set(buffer: Buffer, value: Tensor): void {
    if (`${value.shape}` !== `${buffer.shape}`) {
      throw new Error(`${buffer.name} has shape [${buffer.shape}], not [${value.shape}]`);
    }
    this.#drop(buffer);
    this.#tensors.set(buffer, value);
  }

  #value(buffer: Buffer): Tensor {
    const value = this.#tensors.get(buffer);
    if (!value) throw new Error(`${buffer.name} holds no value`);
    return value;
  }

  #drop(buffer: Buffer): void {
    this.#tensors.get(buffer)?.dispose();
    this.#tensors.delete(buffer);
  }

  #check(buffer: Buffer, array: HostArray): void {
    if (!this.#plan.placements.has(buffer)) throw new Error(`${buffer.name} has no place in the plan`);
    if (array.byteLength !== byteLength(buffer)) {
      throw new Error(`${buffer.name} holds ${byteLength(buffer)} bytes, not ${array.byteLength}`);
    }
  }
}

function endingBuffers(program: Program): Buffer[][] {
  const last = new Map<Buffer, number>();
  program.calls.forEach((call, i) => {
    for (const b of Object.values(call.args)) if (b && isTransient(b)) last.set(b, i);
  });
  const ending: Buffer[][] = program.calls.map(() => []);
  for (const [buffer, i] of last) ending[i]!.push(buffer);
  return ending;
}
