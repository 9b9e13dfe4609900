import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Holder, holderOf, type Lock, tryLock } from '../../base/lock.ts';
import { describeOwner } from '../../base/owner.ts';
import { UserError } from '../../base/errors.ts';

const lookAgainMs = 250;

const lockOf = (home: string, name: string): string => path.join(home, 'datasets', `.${name}.corpus.lock`);

function tried(home: string, name: string): ReturnType<typeof tryLock> {
  fs.mkdirSync(path.join(home, 'datasets'), { recursive: true });
  return tryLock(lockOf(home, name));
}

/** The process that makes a dataset; null where none does. */
export const makerOf = (home: string, name: string): Holder | null => holderOf(lockOf(home, name));

/** Who makes a dataset, in words. */
export const describeMaker = ({ owner, heartbeat }: Holder): string =>
  owner ? describeOwner(owner, heartbeat) : 'another process';

/**
 * Claims a dataset for the making, or for being deleted: two processes at once would write the same files.
 * @throws UserError when another process makes it
 */
export function claimDataset(home: string, name: string): Lock {
  const outcome = tried(home, name);
  if ('lock' in outcome) return outcome.lock;
  throw new UserError(
    `The dataset ${name} is being tokenized by ${describeMaker(outcome.holder)}: wait for it, or stop it there.`,
  );
}

/** The same, and waits while another process makes it. @throws what the signal's reason is */
export async function awaitClaim(home: string, name: string, signal?: AbortSignal): Promise<Lock> {
  for (;;) {
    signal?.throwIfAborted();
    const outcome = tried(home, name);
    if ('lock' in outcome) return outcome.lock;
    await setTimeout(lookAgainMs);
  }
}

/** Ends the work on a dataset that another process has claimed meanwhile. @returns a signal for it */
export const whileClaimed = ({ lost }: Lock, signal?: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([lost, signal]) : lost;

/** Why work on a dataset ended, where that is that its claim is lost. */
export function requireClaim({ lost }: Lock, name: string): void {
  if (lost.aborted)
    throw new UserError(
      `Another process has taken over the dataset ${name}, while this one stood still for minutes: leave it to that one.`,
    );
}

/** Takes away the lock of whoever was killed between having made a dataset and freeing it. */
export function dropStaleClaim(home: string, name: string): void {
  if (!fs.existsSync(lockOf(home, name))) return;
  const outcome = tried(home, name);
  if ('lock' in outcome) outcome.lock.release();
}
