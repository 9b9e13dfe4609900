import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { heartbeatEveryMs, isAlive, isRunning, type Owner, startedAt, thisProcess } from './owner.ts';

/** A file that one process at a time owns. */
export interface Lock {
  /** Aborted when another process has taken the lock, which can happen to one that stood still for minutes. */
  readonly lost: AbortSignal;
  /** Frees the lock, unless it is another's by now. */
  release(): void;
}

/** Who holds a lock. */
export interface Holder {
  /** Null while it has made the file and not yet written who it is. */
  readonly owner: Owner | null;
  /** When it last reported, in milliseconds since 1970. */
  readonly heartbeat: number;
}

/** What a lock's file holds. Its modification time is the owner's heartbeat. */
interface Entry extends Holder {
  readonly file: string;
  /** No two claims have the same: a file that was replaced is told from the one that was read before. */
  readonly id: string;
  readonly held: boolean;
}

/** Time to write who one is into a file that one has made, where both can't be done at once. */
const unwrittenMs = 10_000;
/** Files that a process left which was killed within a claim. */
const leftoverMs = 10 * 60_000;
/** Locks of older versions hold a process number alone; where it can't be told when that started, they hold for a day. */
const bareMs = 24 * 3600_000;

function entryOf(file: string): Entry | undefined {
  let text: string;
  let heartbeat: number;
  try {
    text = fs.readFileSync(file, 'utf8');
    heartbeat = fs.statSync(file).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const now = Date.now();
  if (/^\d+\s*$/.test(text)) {
    const pid = Number(text);
    const started = startedAt(pid);
    // A process that started after the lock was made has got its number again.
    const held = isRunning(pid) && (started === null ? now - heartbeat < bareMs : started <= heartbeat + 2000);
    return { file, id: `${pid}-${Math.round(heartbeat)}`, owner: { ...thisProcess(), pid, processStart: null }, heartbeat, held }; // prettier-ignore
  }
  const parsed = parse(text);
  if (!parsed) {
    const held = Math.abs(now - heartbeat) < unwrittenMs;
    return { file, id: `unwritten-${Math.round(heartbeat)}`, owner: null, heartbeat, held };
  }
  const { id, ...owner } = parsed;
  return { file, id, owner, heartbeat, held: isAlive(owner, heartbeat, now) };
}

function parse(text: string): (Owner & { id: string }) | undefined {
  try {
    const found = JSON.parse(text) as Partial<Owner & { id: string }> | null;
    const isWhole =
      typeof found?.pid === 'number' && typeof found.host === 'string' && /^[\w-]+$/.test(String(found.id));
    const { bootId = null, processStart = null, pidNamespace = null } = found ?? {};
    return isWhole ? { pid: found.pid!, host: found.host!, id: found.id!, bootId, processStart, pidNamespace } : undefined; // prettier-ignore
  } catch {
    return undefined;
  }
}

/** Where the claim lies that takes the place of a stale one. */
const successor = (file: string, id: string): string => `${file}.${id}`;

/** The claims on a lock in their order: each but the last is stale, and the last one counts. */
function claims(file: string): Entry[] {
  const found: Entry[] = [];
  let entry = entryOf(file);
  while (entry && found.length < 100) {
    found.push(entry);
    entry = entryOf(successor(file, entry.id));
  }
  return found;
}

/** Error codes of file systems that have no hard links. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK']);

/** Makes a file with its content at once, unless there is one. @returns whether it was made */
function createExclusively(file: string, content: string): boolean {
  const fresh = `${file}.new-${randomBytes(6).toString('hex')}`;
  fs.writeFileSync(fresh, content);
  try {
    fs.linkSync(fresh, file);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!noLinks.has(code)) throw error;
  } finally {
    fs.rmSync(fresh, { force: true });
  }
  try {
    fs.writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Who holds a lock; null where nobody does, or its owner is dead. */
export function holderOf(file: string): Holder | null {
  const last = claims(file).at(-1);
  return last?.held ? last : null;
}

/**
 * Takes a lock, a stale one too; its folder has to be there. Of several processes that try, one gets it: a claim is a file
 * that is created exclusively, and a stale claim has one successor, whose name the claim's id gives.
 * @returns the lock, or who holds it
 * @throws system errors of the file system
 */
export function tryLock(file: string): { readonly lock: Lock } | { readonly holder: Holder } {
  for (;;) {
    const before = claims(file);
    const last = before.at(-1);
    if (last?.held) return { holder: last };
    const id = randomBytes(8).toString('hex');
    const place = last ? successor(file, last.id) : file;
    if (!createExclusively(place, JSON.stringify({ ...thisProcess(), id }))) continue;
    // What was read before may have been replaced or released meanwhile: then this claim succeeds nothing.
    if (claims(file).at(-1)?.id !== id) {
      fs.rmSync(place, { force: true });
      continue;
    }
    if (place !== file) fs.renameSync(place, file);
    for (const { file: stale } of before.slice(1)) fs.rmSync(stale, { force: true });
    removeLeftovers(file);
    return { lock: held(file, id) };
  }
}

function removeLeftovers(file: string): void {
  const [dir, start] = [path.dirname(file), `${path.basename(file)}.`];
  for (const name of fs.readdirSync(dir).filter((entry) => entry.startsWith(start))) {
    const left = path.join(dir, name);
    const { mtimeMs = Infinity } = fs.statSync(left, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > leftoverMs) fs.rmSync(left, { force: true });
  }
}

function held(file: string, id: string): Lock {
  const lost = new AbortController();
  const isMine = (): boolean => claims(file).at(-1)?.id === id;
  const beat = setInterval(() => {
    try {
      const now = new Date();
      if (isMine()) return fs.utimesSync(file, now, now);
    } catch {
      return; // A file system that is away for a moment: the next beat tells.
    }
    clearInterval(beat);
    lost.abort();
  }, heartbeatEveryMs).unref();
  return {
    lost: lost.signal,
    release() {
      clearInterval(beat);
      if (isMine()) fs.rmSync(file, { force: true });
    },
  };
}
