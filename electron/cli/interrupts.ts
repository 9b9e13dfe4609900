import type { RunHandle } from '../studio/run/handle.ts';

/** A second signal this soon is the first one's echo, not a second thought. */
const echoMs = 250;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `work` while a run trains: the first Ctrl-C (or a lost terminal) saves and stops it, the second stops it now.
 * @param note tells the user what happens
 * @returns how many interrupts there were
 */
export async function interruptible(
  handle: RunHandle,
  note: (text: string) => void,
  work: () => Promise<void>,
): Promise<number> {
  let interrupts = 0;
  let first = 0;
  const interrupt = () => {
    // A program in between (npm, timeout) may pass on what the terminal has told this process already.
    if (interrupts > 0 && performance.now() - first < echoMs) return;
    interrupts++;
    if (interrupts > 1) {
      handle.kill();
      return;
    }
    first = performance.now();
    note('stopping after this step and saving; Ctrl-C again stops now');
    handle.stop();
  };
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await work();
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
  return interrupts;
}
