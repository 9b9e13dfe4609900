import { type Buffer, byteLength, type Call, isTransient, type Program, persistentRoles, type Role } from './types.ts';

/** Every buffer starts on such a boundary: the widest vector load and a GPU's memory transaction. */
export const alignment = 256;
export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** `activation` holds caches, activations and workspaces; each other arena holds one role, side by side. */
export const arenaNames = [...persistentRoles, 'activation'] as const;
export type ArenaName = (typeof arenaNames)[number];

export interface Placement {
  readonly arena: ArenaName;
  readonly offset: number;
}

export interface Peak {
  readonly program: string;
  /** Index into the program's calls. */
  readonly index: number;
  readonly call: Call;
  /** Bytes alive in the activation arena during that call: together they are the most of all calls. */
  readonly cacheBytes: number;
  readonly activationBytes: number;
  readonly workspaceBytes: number;
}

export interface Plan {
  readonly placements: ReadonlyMap<Buffer, Placement>;
  readonly arenaBytes: Readonly<Record<ArenaName, number>>;
  /** The sum of the arenas in the device's memory: what it allocates there, nothing else. */
  readonly totalBytes: number;
  /** In the host's memory: states that are paged. */
  readonly hostBytes: number;
  /** Bytes of each role; cache, activation and workspace as they are at the peak, and `unused` for gaps in the packing. */
  readonly roleBytes: Readonly<Record<Role | 'unused', number>>;
  /** The call during which most transient memory is alive. */
  readonly peak: Peak | undefined;
  /** The largest sum of live transient bytes: no packing can be smaller. */
  readonly lowerBound: number;
}

/** The memory that a plan takes, whatever lies where. */
export type PlanSizes = Omit<Plan, 'placements' | 'peak'>;

/** A plan as data, for another process, which records the same programs. */
export interface PlanRecord extends PlanSizes {
  readonly peak: Omit<Peak, 'call'> | undefined;
  /** Of every buffer, in the order in which programs name them. */
  readonly offsets: Float64Array;
  /** Of the buffers: those of other programs have another one. */
  readonly fingerprint: number;
}

export interface Lifetime {
  readonly buffer: Buffer;
  /** First and last call that touch the buffer, both inclusive. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** The closed lifetimes of a program's transient buffers, in the order of their first use. */
export function lifetimes(program: Program): Lifetime[] {
  const places = new Map<Buffer, number>();
  const buffers: Buffer[] = [];
  const [firsts, lasts]: [number[], number[]] = [[], []];
  for (let i = 0; i < program.calls.length; i++) {
    const { args } = program.calls[i]!;
    for (const name in args) {
      const b = args[name];
      if (!b || !isTransient(b)) continue;
      const at = places.get(b);
      if (at !== undefined) {
        lasts[at] = i;
        continue;
      }
      places.set(b, buffers.length);
      buffers.push(b);
      firsts.push(i);
      lasts.push(i);
    }
  }
  return buffers.map((buffer, k) => ({
    buffer,
    first: firsts[k]!,
    last: lasts[k]!,
    bytes: align(byteLength(buffer)),
  }));
}

/** The sum of live bytes during each call. */
export function liveBytes(lives: readonly Lifetime[], calls: number): number[] {
  const change = new Array<number>(calls + 1).fill(0);
  for (const l of lives) {
    change[l.first]! += l.bytes;
    change[l.last + 1]! -= l.bytes;
  }
  let now = 0;
  return change.slice(0, calls).map((c) => (now += c));
}

interface Packing {
  /** Of each buffer, in the order of the lifetimes given. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Allocates in the order of the calls, each buffer in the smallest free gap that holds it. */
export function packInCallOrder(lives: readonly Lifetime[]): Packing {
  const ends = lives.map((_, i) => i).sort((a, b) => lives[a]!.last - lives[b]!.last);
  const offsets: number[] = [];
  const free = new Gaps();
  let ended = 0;
  for (const l of lives) {
    for (; ended < ends.length && lives[ends[ended]!]!.last < l.first; ended++) {
      free.give(offsets[ends[ended]!]!, lives[ends[ended]!]!.bytes);
    }
    offsets.push(free.take(l.bytes));
  }
  return { offsets, bytes: free.max };
}

/** The gaps between ranges that are taken, sorted by offset; behind `#end` nothing is taken. */
class Gaps {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #end = 0;
  /** The largest end that a range has had. */
  max = 0;

  /** Takes the begin of the smallest gap that holds so many bytes, else the end. */
  take(bytes: number): number {
    let best = -1;
    let bestSize = Number.POSITIVE_INFINITY;
    for (let k = 0; k < this.#starts.length; k++) {
      const size = this.#ends[k]! - this.#starts[k]!;
      if (size >= bytes && size < bestSize) {
        best = k;
        bestSize = size;
      }
    }
    if (best < 0) {
      const offset = this.#end;
      this.#end += bytes;
      this.max = Math.max(this.max, this.#end);
      return offset;
    }
    const offset = this.#starts[best]!;
    if (bestSize > bytes) this.#starts[best]! += bytes;
    else this.#remove(best);
    return offset;
  }

  /** Gives a range back, which joins the gaps beside it. */
  give(begin: number, bytes: number): void {
    const end = begin + bytes;
    let k = 0;
    while (k < this.#starts.length && this.#starts[k]! < begin) k++;
    const joinsBefore = k > 0 && this.#ends[k - 1] === begin;
    const joinsAfter = k < this.#starts.length && this.#starts[k] === end;
    if (joinsBefore && joinsAfter) {
      this.#ends[k - 1] = this.#ends[k]!;
      this.#remove(k);
    } else if (joinsBefore) this.#ends[k - 1] = end;
    else if (joinsAfter) this.#starts[k] = begin;
    else {
      this.#starts.splice(k, 0, begin);
      this.#ends.splice(k, 0, end);
    }
    // What is free up to the end is no gap.
    if (this.#ends.at(-1) === this.#end) {
      this.#end = this.#starts.at(-1)!;
      this.#remove(this.#starts.length - 1);
    }
  }

  #remove(at: number): void {
    this.#starts.splice(at, 1);
    this.#ends.splice(at, 1);
  }
}

/**
 * Places the longest-lived buffers first, each in the smallest gap between those whose lifetimes touch its own:
 * short-lived ones fill the gaps, and a training step's residual gradient never splits one.
 * @param limit bytes from which on the packing is of no use: the rest is left out
 */
export function packByLifetime(lives: readonly Lifetime[], limit = Number.POSITIVE_INFINITY): Packing {
  const length = (l: Lifetime) => l.last - l.first;
  const order = lives
    .map((_, i) => i)
    .sort((a, b) => length(lives[b]!) - length(lives[a]!) || lives[b]!.bytes - lives[a]!.bytes);
  const offsets = new Array<number>(lives.length).fill(0);
  // Of what is placed, sorted by offset.
  const firsts: number[] = [];
  const lasts: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  let bytes = 0;
  for (const i of order) {
    const l = lives[i]!;
    let best = -1;
    let bestSize = Number.POSITIVE_INFINITY;
    let end = 0;
    for (let k = 0; k < starts.length; k++) {
      if (firsts[k]! > l.last || l.first > lasts[k]!) continue;
      const size = starts[k]! - end;
      if (size >= l.bytes && size < bestSize) {
        best = end;
        bestSize = size;
      }
      if (ends[k]! > end) end = ends[k]!;
    }
    const offset = best < 0 ? end : best;
    let at = starts.length;
    while (at > 0 && starts[at - 1]! > offset) at--;
    firsts.splice(at, 0, l.first);
    lasts.splice(at, 0, l.last);
    starts.splice(at, 0, offset);
    ends.splice(at, 0, offset + l.bytes);
    offsets[i] = offset;
    bytes = Math.max(bytes, offset + l.bytes);
    if (bytes >= limit) break;
  }
  return { offsets, bytes };
}

/**
 * Gives every buffer of some programs that run one after another on one device its place: a pure function of them.
 * Persistent buffers lie side by side; caches and transient ones share the activation arena, which is as large as the
 * neediest program's.
 */
export function plan(programs: readonly Program[]): Plan {
  const placements = new Map<Buffer, Placement>();
  const arenaBytes = Object.fromEntries(arenaNames.map((n) => [n, 0])) as Record<ArenaName, number>;
  const roleBytes = Object.fromEntries(
    [...persistentRoles, 'cache', 'activation', 'workspace', 'unused'].map((r) => [r, 0]),
  ) as Record<Role | 'unused', number>;
  let peak: Peak | undefined;
  let lowerBound = 0;
  let cacheBytes = 0;

  const usingCache = new Set<Program>();
  for (const program of programs) {
    for (const call of program.calls) {
      for (const name in call.args) {
        const b = call.args[name];
        if (!b || isTransient(b)) continue;
        if (b.role === 'cache') usingCache.add(program);
        if (placements.has(b)) continue;
        if (b.role === 'cache') {
          placements.set(b, { arena: 'activation', offset: cacheBytes });
          cacheBytes += align(byteLength(b));
        } else {
          const arena = b.role as ArenaName;
          placements.set(b, { arena, offset: arenaBytes[arena] });
          arenaBytes[arena] += align(byteLength(b));
        }
      }
    }
  }
  for (const program of programs) {
    // Programs that use a cache leave the bottom of the arena to it.
    const base = usingCache.has(program) ? cacheBytes : 0;
    const { lives, live, max, offsets, bytes } = packed(program, programs);
    for (const [i, l] of lives.entries()) placements.set(l.buffer, { arena: 'activation', offset: base + offsets[i]! });
    arenaBytes.activation = Math.max(arenaBytes.activation, base + bytes);
    if (base + max > lowerBound) {
      lowerBound = base + max;
      peak = { ...peakOf(program, live.indexOf(max), lives, max), cacheBytes: base };
    }
  }
  for (const role of persistentRoles) roleBytes[role] = arenaBytes[role];
  roleBytes.cache = peak ? peak.cacheBytes : 0;
  roleBytes.activation = peak ? peak.activationBytes : 0;
  roleBytes.workspace = peak ? peak.workspaceBytes : 0;
  roleBytes.unused = arenaBytes.activation - lowerBound;
  const hostBytes = arenaBytes.paged;
  const totalBytes = arenaNames.reduce((total, n) => total + arenaBytes[n], 0) - hostBytes;
  return { placements, arenaBytes, totalBytes, hostBytes, roleBytes, peak, lowerBound };
}

interface Packed extends Packing {
  readonly lives: readonly Lifetime[];
  /** Bytes that are alive during each call, and the most of them. */
  readonly live: readonly number[];
  readonly max: number;
}

const packings = new WeakMap<Program, Packed>();

/**
 * How a program's transient buffers are packed: a function of the program alone.
 * @param others whose packings may be the same, as the first micro-batch's and the further ones' are
 */
function packed(program: Program, others: readonly Program[]): Packed {
  const known = packings.get(program);
  if (known) return known;
  const lives = lifetimes(program);
  const live = liveBytes(lives, program.calls.length);
  const max = live.reduce((a, b) => Math.max(a, b), 0);
  let packing: Packing | undefined;
  for (const other of others) {
    const found = packings.get(other);
    if (found && sameLifetimes(found.lives, lives)) packing = found;
  }
  const { offsets, bytes } = packing ?? pack(lives, max);
  const result = { lives, live, max, offsets, bytes };
  packings.set(program, result);
  return result;
}

/** A plan without the buffers that it places. */
export function recordOf({ placements, peak, ...sizes }: Plan): PlanRecord {
  const withoutCall = ({ call: _, ...at }: Peak) => at;
  return {
    ...sizes,
    peak: peak && withoutCall(peak),
    offsets: Float64Array.from(placements.values(), (p) => p.offset),
    fingerprint: fingerprintOf([...placements.keys()]),
  };
}

/** The plan of some programs, as it was made before. @returns undefined where it was made of other programs */
export function restorePlan(programs: readonly Program[], record: PlanRecord): Plan | undefined {
  const { offsets, fingerprint, peak, ...sizes } = record;
  const buffers = placedBuffers(programs);
  if (buffers.length !== offsets.length || fingerprintOf(buffers) !== fingerprint) return undefined;
  const placements = new Map<Buffer, Placement>();
  for (let i = 0; i < buffers.length; i++)
    placements.set(buffers[i]!, { arena: arenaOf(buffers[i]!), offset: offsets[i]! });
  const call = peak && programs.find((p) => p.name === peak.program)?.calls[peak.index];
  return { ...sizes, placements, peak: peak && call && { ...peak, call } };
}

const arenaOf = ({ role }: Buffer): ArenaName => (role === 'cache' || role === 'workspace' ? 'activation' : role);

/** Every buffer once, in the order in which a plan places them: what persists, then what does not. */
function placedBuffers(programs: readonly Program[]): Buffer[] {
  const [persistent, transient] = [new Set<Buffer>(), new Set<Buffer>()];
  for (const program of programs) {
    for (const { args } of program.calls) {
      for (const name in args) {
        const b = args[name];
        if (b) (isTransient(b) ? transient : persistent).add(b);
      }
    }
  }
  return [...persistent, ...transient];
}

/** A hash (FNV-1a) of how many bytes buffers have, and what for. */
function fingerprintOf(buffers: readonly Buffer[]): number {
  let hash = 0x811c9dc5;
  for (const b of buffers) {
    const bytes = byteLength(b);
    for (const part of [bytes | 0, Math.floor(bytes / 2 ** 32), arenaNames.indexOf(arenaOf(b))])
      hash = Math.imul(hash ^ part, 0x01000193);
  }
  return hash >>> 0;
}

/** The better of two packings; the second is not tried when the first is as small as can be. */
function pack(lives: readonly Lifetime[], bound: number): Packing {
  const inOrder = packInCallOrder(lives);
  if (inOrder.bytes <= bound) return inOrder;
  const byLifetime = packByLifetime(lives, inOrder.bytes);
  return byLifetime.bytes < inOrder.bytes ? byLifetime : inOrder;
}

/** Whether two programs need the same packing, as the first micro-batch and the further ones do. */
function sameLifetimes(a: readonly Lifetime[], b: readonly Lifetime[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((l, i) => l.first === b[i]!.first && l.last === b[i]!.last && l.bytes === b[i]!.bytes);
}

function peakOf(program: Program, index: number, lives: readonly Lifetime[], bytes: number): Omit<Peak, 'cacheBytes'> {
  const workspaceBytes = lives
    .filter((l) => l.buffer.role === 'workspace' && l.first <= index && index <= l.last)
    .reduce((total, l) => total + l.bytes, 0);
  return {
    program: program.name,
    index,
    call: program.calls[index]!,
    activationBytes: bytes - workspaceBytes,
    workspaceBytes,
  };
}
