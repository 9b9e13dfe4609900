import { type Buffer, byteLength, type Call, isTransient, type Program, persistentRoles, type Role } from './types.ts';

/** Every buffer starts on such a boundary: the widest vector load and a GPU's memory transaction. */
export const alignment = 256;
export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** `activation` holds activations and workspaces by lifetime; each other arena holds one role, side by side. */
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
  /** Bytes alive in the activation arena during that call. */
  readonly activationBytes: number;
  readonly workspaceBytes: number;
}

export interface Plan {
  readonly placements: ReadonlyMap<Buffer, Placement>;
  readonly arenaBytes: Readonly<Record<ArenaName, number>>;
  /** The sum of the arenas: what a device allocates, nothing else. */
  readonly totalBytes: number;
  /** Bytes of each role; activation and workspace as they are at the peak, and `unused` for gaps in the packing. */
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
  readonly offsets: ReadonlyMap<Buffer, number>;
  readonly bytes: number;
}

/** Allocates in the order of the calls, each buffer in the smallest free gap that holds it. */
export function packInCallOrder(lives: readonly Lifetime[]): Packing {
  const ends = [...lives].sort((a, b) => a.last - b.last);
  let ended = 0;
  const offsets = new Map<Buffer, number>();
  const used: { offset: number; bytes: number }[] = []; // sorted by offset
  let bytes = 0;
  for (const l of lives) {
    for (; ended < ends.length && ends[ended]!.last < l.first; ended++) {
      const offset = offsets.get(ends[ended]!.buffer);
      used.splice(
        used.findIndex((u) => u.offset === offset),
        1,
      );
    }
    const { offset, index } = bestGap(used, l.bytes);
    used.splice(index, 0, { offset, bytes: l.bytes });
    offsets.set(l.buffer, offset);
    bytes = Math.max(bytes, offset + l.bytes);
  }
  return { offsets, bytes };
}

/** Places the largest buffers first, each in the smallest gap between those whose lifetimes touch its own. */
export function packBySize(lives: readonly Lifetime[]): Packing {
  const order = [...lives].sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  const placed: (Lifetime & { offset: number })[] = []; // sorted by offset
  const offsets = new Map<Buffer, number>();
  let bytes = 0;
  for (const l of order) {
    const rivals = placed.filter((p) => p.first <= l.last && l.first <= p.last);
    const { offset } = bestGap(rivals, l.bytes);
    const at = placed.findIndex((p) => p.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, { ...l, offset });
    offsets.set(l.buffer, offset);
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
 * Persistent buffers lie side by side; transient ones share the activation arena, which is as large as the neediest program's.
 */
export function plan(programs: readonly Program[]): Plan {
  const placements = new Map<Buffer, Placement>();
  const arenaBytes = Object.fromEntries(arenaNames.map((n) => [n, 0])) as Record<ArenaName, number>;
  const roleBytes = Object.fromEntries(
    [...persistentRoles, 'activation', 'workspace', 'unused'].map((r) => [r, 0]),
  ) as Record<Role | 'unused', number>;
  let peak: Peak | undefined;
  let lowerBound = 0;

  for (const program of programs) {
    for (const call of program.calls) {
      for (const name in call.args) {
        const b = call.args[name];
        if (!b || isTransient(b) || placements.has(b)) continue;
        const arena = b.role as ArenaName;
        placements.set(b, { arena, offset: arenaBytes[arena] });
        arenaBytes[arena] += align(byteLength(b));
      }
    }
    const lives = lifetimes(program);
    const live = liveBytes(lives, program.calls.length);
    const most = live.reduce((a, b) => Math.max(a, b), 0);
    const inOrder = packInCallOrder(lives);
    const packing = inOrder.bytes <= most ? inOrder : smaller(inOrder, packBySize(lives));
    for (const [buffer, offset] of packing.offsets) placements.set(buffer, { arena: 'activation', offset });
    arenaBytes.activation = Math.max(arenaBytes.activation, packing.bytes);
    if (most > lowerBound) {
      lowerBound = most;
      peak = peakOf(program, live.indexOf(most), lives, most);
    }
  }
  for (const role of persistentRoles) roleBytes[role] = arenaBytes[role];
  roleBytes.activation = peak ? peak.activationBytes : 0;
  roleBytes.workspace = peak ? peak.workspaceBytes : 0;
  roleBytes.unused = arenaBytes.activation - lowerBound;
  const totalBytes = arenaNames.reduce((total, n) => total + arenaBytes[n], 0);
  return { placements, arenaBytes, totalBytes, roleBytes, peak, lowerBound };
}

const smaller = (a: Packing, b: Packing): Packing => (b.bytes < a.bytes ? b : a);

function peakOf(program: Program, index: number, lives: readonly Lifetime[], bytes: number): Peak {
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
