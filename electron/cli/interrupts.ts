import os from 'node:os';
import type { RunHandle } from '../studio/run/handle.ts';
import { JobEnded } from '../studio/jobs/kind.ts';
import { whenStarterEnds } from './starters.ts';

/** A second signal this soon is the first one's echo, not a second thought. */
const echoMs = 250;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interrupt {
  /** Which one it is: from the second on, the user means at once. */
  readonly count: number;
  /** Of a process that was ended by such a signal: 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
}

/**
 * Calls back when this command is to end: at a signal, or when a program that was started for it alone has ended (npx ends
 * at a signal and passes none on). What reaches this process by two ways is one interrupt.
 * @returns a function that ends the watch
 */
export function onInterrupt(listener: (interrupt: Interrupt) => void): () => void {
  let count = 0;
  let last = -Infinity;
  const interrupt = (signal: (typeof signals)[number]) => {
    // A program in between (npm, timeout) may pass on what the terminal has told this process already.
    if (performance.now() - last < echoMs) return;
    last = performance.now();
    listener({ count: ++count, exitCode: 128 + os.constants.signals[signal] });
  };
  for (const signal of signals) process.on(signal, interrupt);
  // It may end of the very signal that has reached this process: that is no second one.
  const unwatch = whenStarterEnds(() => count === 0 && interrupt('SIGTERM'));
  return () => {
    unwatch();
    for (const signal of signals) process.off(signal, interrupt);
  };
}

/**
 * Runs `work` while a run trains: the first Ctrl-C (or a lost terminal) pauses it, the second ends it now. One that was told to
 * finish from elsewhere is complete after the first.
 * @param note tells the user what happens
 * @returns how many interrupts there were
 */
export async function interruptible(
  handle: RunHandle,
  note: (text: string) => void,
  work: () => Promise<void>,
): Promise<number> {
  let interrupts = 0;
  const off = onInterrupt(({ count }) => {
    interrupts = count;
    if (count > 1) {
      handle.kill();
      return;
    }
    note(
      handle.state === 'stopping'
        ? 'stopping: saving without waiting for evaluations; Ctrl-C again ends it now'
        : 'pausing: saving after this step; Ctrl-C again ends it now',
    );
    handle.pause();
  });
  try {
    await work();
  } finally {
    off();
  }
  return interrupts;
}

/** A command was ended by its user: in its terminal, or elsewhere. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(exitCode: number, message = 'stopped') {
    super(message);
    this.exitCode = exitCode;
  }
}

/** As after Ctrl-C: its user has ended it, wherever that was. */
const cancelledCode = 130;

/**
 * Runs work that ends, and tidies up, when its signal is aborted: the first interrupt does that, the second ends the process.
 * @param work may abort by the controller, too, where somebody asks for its end elsewhere
 * @throws Interrupted when it was ended before its end, and what `work` throws
 */
export async function abortable<T>(work: (signal: AbortSignal, controller: AbortController) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let exitCode = 0;
  const off = onInterrupt((interrupt) => {
    ({ exitCode } = interrupt);
    if (interrupt.count > 1) process.exit(exitCode);
    controller.abort(new JobEnded('stopped in its terminal'));
  });
  try {
    return await work(controller.signal, controller);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    if (exitCode > 0) throw new Interrupted(exitCode);
    throw new Interrupted(cancelledCode, 'cancelled in a window or another terminal');
  } finally {
    off();
  }
}
