import { arenaNames, type Plan } from '../../program/planner.ts';
import { type Buffer, byteLength, type Program } from '../../program/types.ts';
import { type HostArray, hostArray, type Session } from '../device.ts';
import { encode } from './encode.ts';

declare const handle: unique symbol;
export interface NativeSession {
  readonly [handle]: 'session';
}

/** A part of an arena: its number in `arenaNames`, and bytes. */
export interface ByteRange {
  readonly arena: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Fetches stretches of a session's arenas, one behind the other, as `Session.fetch` does. */
export type Fetch = (session: NativeSession, ranges: readonly ByteRange[]) => Promise<Uint8Array<ArrayBuffer>>;

/** What the addons of all native devices export for sessions: see native/node/binding.h. */
export interface SessionAddon<NativeDevice = never> {
  /** @param hostArena the number of the arena that lies in the host's memory where a device has its own; -1: none does */
  createSession(device: NativeDevice, arenaBytes: Float64Array, hostArena: number): NativeSession;
  loadProgram(session: NativeSession, code: Float64Array): number;
  copy(session: NativeSession, arena: number, offset: number, array: ArrayBufferView, toDevice: boolean): void;
  run(session: NativeSession, program: number, times: Float64Array | undefined): Promise<void>;
  sessionBytes(session: NativeSession): number;
  closeSession(session: NativeSession): void;
}

/** Bytes of a plan's arenas, in the order in which programs name them. */
export const arenaSizes = (plan: Plan): Float64Array => Float64Array.from(arenaNames, (n) => plan.arenaBytes[n]);

/** Programs and their arenas, held by a native addon. */
export class NativeProgramSession implements Session {
  readonly #addon: SessionAddon;
  readonly #native: NativeSession;
  readonly #plan: Plan;
  readonly #programs: ReadonlyMap<Program, number>;
  readonly #fetch: Fetch | undefined;
  #running = 0;
  #closed = false;

  /**
   * @param native made with the arenas of the plan, in the order of `arenaNames`
   * @param fetch of an addon that lets programs and copies take their turn behind a program that runs
   */
  constructor(addon: SessionAddon, native: NativeSession, programs: readonly Program[], plan: Plan, fetch?: Fetch) {
    this.#fetch = fetch;
    this.#addon = addon;
    this.#native = native;
    this.#plan = plan;
    this.#programs = new Map(programs.map((p) => [p, addon.loadProgram(native, encode(p, plan))]));
  }

  get queues(): boolean {
    return this.#fetch !== undefined;
  }

  write(buffer: Buffer, data: HostArray): void {
    if (!this.queues) this.#requireIdle();
    this.#copy(buffer, data, true);
  }

  read(buffer: Buffer, target: HostArray = hostArray(buffer)): HostArray {
    this.#requireIdle();
    this.#copy(buffer, target, false);
    return target;
  }

  #requireIdle(): void {
    if (this.#running > 0) throw new Error('a program is running');
  }

  async fetch(buffers: readonly Buffer[]): Promise<HostArray[]> {
    if (!this.#fetch) return buffers.map((buffer) => this.read(buffer));
    const ranges = buffers.map((buffer) => this.#rangeOf(buffer));
    const bytes = await this.#fetch(this.#native, ranges);
    let at = 0;
    return buffers.map((buffer, i) => {
      const array = hostArray(buffer);
      new Uint8Array(array.buffer).set(bytes.subarray(at, (at += ranges[i]!.bytes)));
      return array;
    });
  }

  #copy(buffer: Buffer, array: HostArray, toDevice: boolean): void {
    const { arena, offset, bytes } = this.#rangeOf(buffer);
    if (array.byteLength !== bytes) throw new Error(`${buffer.name} holds ${bytes} bytes, not ${array.byteLength}`);
    this.#addon.copy(this.#native, arena, offset, array, toDevice);
  }

  #rangeOf(buffer: Buffer): ByteRange {
    if (this.#closed) throw new Error('the session is closed');
    const place = this.#plan.placements.get(buffer);
    if (!place) throw new Error(`${buffer.name} has no place in the plan`);
    return { arena: arenaNames.indexOf(place.arena), offset: place.offset, bytes: byteLength(buffer) };
  }

  async run(program: Program, times?: Float64Array): Promise<void> {
    if (this.#closed) throw new Error('the session is closed');
    if (!this.queues) this.#requireIdle();
    const index = this.#programs.get(program);
    if (index === undefined) throw new Error(`program ${program.name} is not loaded`);
    this.#running++;
    try {
      await this.#addon.run(this.#native, index, times);
    } finally {
      this.#running--;
    }
  }

  allocatedBytes(): number {
    return this.#addon.sessionBytes(this.#native);
  }

  close(): void {
    this.#requireIdle();
    this.#closed = true;
    this.#addon.closeSession(this.#native);
  }
}
