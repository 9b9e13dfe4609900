import { formatCount } from '../../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';

/** Where a folder is by now: still at its place, moved to where it can still be written, or removed (or moved out of sight). */
export type Whereabouts =
  { readonly kind: 'here' } | { readonly kind: 'moved'; readonly to: string } | { readonly kind: 'gone' };

/**
 * A folder that is written to for a long time, and may be moved meanwhile with all that is above it. What is written by its
 * path would then make another folder at the old place, beside the one that its user works with.
 */
export class HeldFolder {
  readonly #dir: string;
  /** On Linux the system tells where an open folder is. Windows moves no folder that is in use. */
  readonly #handle: number | undefined;
  /** Its place as the system names it, without symbolic links. */
  readonly #place: string | undefined;

  /** Makes the folder where it is not there. @throws system errors of the file system */
  constructor(dir: string) {
    this.#dir = dir;
    fs.mkdirSync(dir, { recursive: true });
    if (process.platform !== 'linux') return;
    this.#handle = fs.openSync(dir, 'r');
    this.#place = this.#now();
  }

  where(): Whereabouts {
    const to = this.#now();
    const isAtPlace = to === undefined || to === this.#place;
    if (isAtPlace) return isFolder(this.#dir) ? { kind: 'here' } : { kind: 'gone' };
    if (this.#isHeld(to)) return { kind: 'moved', to };
    // The system may name a place by another path, as that of a mount: what is at the old path counts where it is the same.
    return this.#isHeld(this.#dir) ? { kind: 'here' } : { kind: 'gone' };
  }

  close(): void {
    if (this.#handle !== undefined) fs.closeSync(this.#handle);
  }

  #now(): string | undefined {
    if (this.#handle === undefined) return undefined;
    try {
      return fs.readlinkSync(`/proc/self/fd/${this.#handle}`);
    } catch {
      return undefined; // without /proc
    }
  }

  /** Whether a path leads to the folder that is held: one that is removed has another name in /proc, and may have a successor. */
  #isHeld(dir: string): boolean {
    try {
      const [there, held] = [fs.statSync(dir), fs.fstatSync(this.#handle!)];
      return there.ino === held.ino && there.dev === held.dev;
    } catch {
      return false;
    }
  }
}

/** A disk that does not answer is no folder that has vanished: whoever writes to it is told. */
function isFolder(dir: string): boolean {
  try {
    return fs.statSync(dir).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

/** A folder that is not at its place any more. */
export type Vanished = Exclude<Whereabouts, { readonly kind: 'here' }>;

const homeOf = (dir: string): string => path.resolve(dir, '../../..');

/** What is said of a run whose folder of checkpoints has vanished, and what to do next. @param saved null: nothing more could be saved */
export function vanishedMessage(
  root: string,
  where: Vanished,
  saved: { readonly step: number; readonly dir: string } | null,
): string {
  const importing = (dir: string) => `\`trainyard import ${dir}\` imports it into any data folder`;
  if (where.kind === 'gone') {
    const then = saved
      ? `its checkpoint of step ${formatCount(saved.step)} was written to a new folder: ${importing(saved.dir)}`
      : 'there is no checkpoint to roll back to: put the folder back to resume, or restart';
    return `${root} was removed, or moved out of sight, while the run trained, which was ended; ${then}`;
  }
  // `<home>/runs/<run>/checkpoints`: where its end is the same, all that is above it was moved.
  const end = (dir: string) => dir.split(path.sep).slice(-3);
  const isHome = end(where.to).join() === end(root).join();
  const [from, to] = isHome ? [homeOf(root), homeOf(where.to)] : [root, where.to];
  const kept = saved ? `was saved there at step ${formatCount(saved.step)}` : 'has its checkpoints there';
  const next = isHome
    ? `resume with \`trainyard --home ${to} resume ${end(root)[1]}\``
    : `move it back to resume${saved ? `, or take what is saved: ${importing(saved.dir)}` : ''}`;
  return `${from} was moved to ${to} while the run trained, which was ended and ${kept}: ${next}`;
}
