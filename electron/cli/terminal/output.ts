import { whyOf } from '../../base/systemErrors.ts';

/** What becomes of a command whose output finds no reader or no room any more. A run that trains has a listener of its own, and is saved. */
export function watchOutput(): void {
  let isLost = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (process.stdout.listenerCount('error') > 1) return;
    // `| head` closes the pipe when it has read enough.
    if (error.code === 'EPIPE') process.exit(0);
    if (isLost) return;
    isLost = true;
    console.error(`trainyard: the output can't be written: ${whyOf(error)}`);
    // What is done besides is done.
    process.on('exit', (code) => (process.exitCode = code || 1));
  });
}
