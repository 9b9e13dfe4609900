/** How a run outlives the studio that has it trained: its engine saves it, and leaves what it has still to say in the run's folder. */
import fs from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { type Holder, holderOf, type Lock, tryLock } from '../../base/lock.ts';
import { UserError } from '../../base/errors.ts';
import type { FromEngine } from './messages.ts';

/** A step that is under way is waited for, and a checkpoint of a large model on a slow disk. */
const saveMs = 5 * 60_000;
/** A step may take so many times as long as the longest before it. */
const slower = 3;

const lockOf = (folder: string): string => path.join(folder, 'engine.lock');
const unheardOf = (folder: string): string => path.join(folder, 'unheard.bin');

/** Which engine trains a run; null where none does. @param folder of the run */
export const engineOf = (folder: string): Holder | null => holderOf(lockOf(folder));

/**
 * Takes a run for the engine of this process, so that no two write the same checkpoints.
 * @param folder of the run
 * @throws UserError while another engine has it
 */
export function takeRun(folder: string): Lock {
  const taken = tryLock(lockOf(folder));
  if ('lock' in taken) return taken.lock;
  const { owner } = taken.holder;
  const who = owner ? `process ${owner.pid}` : 'another process';
  throw new UserError(`The run is still being saved by ${who}, whose studio has ended: try again when that has ended.`);
}

/** What an engine has said of a run, as far as its studio has not told that it is stored. */
export class Unheard {
  #said = 0;
  #messages: { readonly number: number; readonly message: FromEngine }[] = [];
  readonly #flushes = new Map<number, number>();
  #lastStep: number | undefined;
  #longestMs = 0;

  /** Takes down a message; both ends count them from 1. */
  add(message: FromEngine): void {
    this.#said++;
    if (message.type === 'flush') this.#flushes.set(message.id, this.#said);
    else if (message.type !== 'activity') this.#messages.push({ number: this.#said, message });
    if (message.type === 'started' || message.type === 'metrics') this.#time();
  }

  /** Steps are stored many at a time, all else at once. @param number of the message that is stored */
  stored(number: number): void {
    const at = this.#messages.find((said) => said.number === number);
    // What it went back behind is stored before, and deleted with it.
    const all = at?.message.type === 'recovery';
    this.#messages = this.#messages.filter((said) => said.number > number || (!all && said.message.type === 'metrics'));
  }

  /** All that was said before this flush is stored. */
  flushed(id: number): void {
    const number = this.#flushes.get(id) ?? 0;
    this.#flushes.delete(id);
    this.#messages = this.#messages.filter((said) => said.number > number);
  }

  /** Whether the run has begun: before, there is nothing to save. */
  get hasStarted(): boolean {
    return this.#lastStep !== undefined;
  }

  /** How long saving may take, in milliseconds: after that something hangs. */
  get patienceMs(): number {
    return saveMs + slower * this.#longestMs;
  }

  /** Writes what is left into the run's folder. */
  leave(folder: string): void {
    if (this.#messages.length === 0) return;
    const file = unheardOf(folder);
    fs.writeFileSync(`${file}.new`, serialize(this.#messages.map((said) => said.message)));
    fs.renameSync(`${file}.new`, file);
  }

  #time(): void {
    const now = performance.now();
    if (this.#lastStep !== undefined) this.#longestMs = Math.max(this.#longestMs, now - this.#lastStep);
    this.#lastStep = now;
  }
}

/** Whether an engine has left something there. */
export const hasUnheard = (folder: string): boolean => fs.existsSync(unheardOf(folder));

/** What an engine has left, in its order. @throws errors of the file system, or of a file that is damaged */
export const readUnheard = (folder: string): FromEngine[] =>
  deserialize(fs.readFileSync(unheardOf(folder))) as FromEngine[];

/** Forgets what an engine has left. */
export const removeUnheard = (folder: string): void => fs.rmSync(unheardOf(folder), { force: true });
