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

export interface Lifetime {
  readonly buffer: Buffer;
  /** First and last call that touch the buffer, both inclusive. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** The closed lifetimes of a program's transient buffers, in the order of their first use. */
export function lifetimes(program: Program): Lifetime[] {
  const seen = new Map<Buffer, { first: number; last: number }>();
  program.calls.forEach((call, i) => {
    for (const name in call.args) {
      const b = call.args[name];
      if (!b || !isTransient(b)) continue;
      const life = seen.get(b);
      if (life) life.last = i;
      else seen.set(b, { first: i, last: i });
    }
  });
  return [...seen].map(([buffer, l]) => ({ buffer, ...l, bytes: align(byteLength(buffer)) }));
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
  const used: { offset: number; bytes: number }[] = []; // sorted by offset
  let ended = 0;
  let bytes = 0;
  for (const l of lives) {
    for (; ended < ends.length && lives[ends[ended]!]!.last < l.first; ended++) {
      const offset = offsets[ends[ended]!];
      const at = used.findIndex((u) => u.offset === offset);
      used.splice(at, 1);
    }
    const { offset, index } = bestGap(used, l.bytes);
    used.splice(index, 0, { offset, bytes: l.bytes });
    offsets.push(offset);
    bytes = Math.max(bytes, offset + l.bytes);
  }
  return { offsets, bytes };
}

/**
 * Places the longest-lived buffers first, each in the smallest gap between those whose lifetimes touch its own:
 * short-lived ones fill the gaps, and a training step's residual gradient never splits one.
 */
export function packByLifetime(lives: readonly Lifetime[]): Packing {
  const length = (l: Lifetime) => l.last - l.first;
  const order = lives
    .map((_, i) => i)
    .sort((a, b) => length(lives[b]!) - length(lives[a]!) || lives[b]!.bytes - lives[a]!.bytes);
  const placed: { first: number; last: number; bytes: number; offset: number }[] = []; // sorted by offset
  const offsets = new Array<number>(lives.length);
  let bytes = 0;
  for (const i of order) {
    const l = lives[i]!;
    const rivals = placed.filter((p) => p.first <= l.last && l.first <= p.last);
    const { offset } = bestGap(rivals, l.bytes);
    const at = placed.findIndex((p) => p.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, { first: l.first, last: l.last, bytes: l.bytes, offset });
    offsets[i] = offset;
    bytes = Math.max(bytes, offset + l.bytes);
  }
  return { offsets, bytes };
}

/** The smallest gap of at least `bytes` between ranges sorted by offset, else the end. Ranges may overlap. */
function bestGap(used: readonly { offset: number; bytes: number }[], bytes: number): { offset: number; index: number } {
  let best = { offset: -1, index: used.length, size: Number.POSITIVE_INFINITY };
  let end = 0;
  used.forEach((u, index) => {
    const size = u.offset - end;
    if (size >= bytes && size < best.size) best = { offset: end, index, size };
    end = Math.max(end, u.offset + u.bytes);
  });
  return best.offset < 0 ? { offset: end, index: used.length } : best;
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
  const packed: (Packing & { lives: readonly Lifetime[] })[] = [];
  let peak: Peak | undefined;
  let lowerBound = 0;
  let cacheBytes = 0;

  for (const program of programs) {
    for (const call of program.calls) {
      for (const name in call.args) {
        const b = call.args[name];
        if (!b || isTransient(b) || placements.has(b)) continue;
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
    const base = usesCache(program) ? cacheBytes : 0;
    const lives = lifetimes(program);
    const live = liveBytes(lives, program.calls.length);
    const most = live.reduce((a, b) => Math.max(a, b), 0);
    const { offsets, bytes } = packed.find((p) => sameLifetimes(p.lives, lives)) ?? pack(lives, most);
    packed.push({ lives, offsets, bytes });
    for (const [i, l] of lives.entries()) placements.set(l.buffer, { arena: 'activation', offset: base + offsets[i]! });
    arenaBytes.activation = Math.max(arenaBytes.activation, base + bytes);
    if (base + most > lowerBound) {
      lowerBound = base + most;
      peak = { ...peakOf(program, live.indexOf(most), lives, most), cacheBytes: base };
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

/** The better of two packings; the second is not tried when the first is as small as can be. */
function pack(lives: readonly Lifetime[], bound: number): Packing {
  const inOrder = packInCallOrder(lives);
  if (inOrder.bytes <= bound) return inOrder;
  const byLifetime = packByLifetime(lives);
  return byLifetime.bytes < inOrder.bytes ? byLifetime : inOrder;
}

const usesCache = (program: Program): boolean =>
  program.calls.some((call) => Object.values(call.args).some((b) => b?.role === 'cache'));

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
