import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { FromEngine, FromJob, Job, ToEngine } from '../../engine/process/messages.ts';

const entry = path.resolve(import.meta.dirname, '../../engine/process/main.ts');

/** How an engine process ended: by its own word, or not. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One engine process, told to start and to stop; what it says arrives at `onMessage`. */
export class EngineProcess {
  readonly #child: ChildProcess;
  /** Settles when it has ended and all that it said has arrived. */
  readonly exited: Promise<EngineExit>;

  constructor(onMessage: (message: FromEngine | FromJob) => void) {
    this.#child = fork(entry, {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Unlike JSON it keeps NaN and infinities.
      serialization: 'advanced',
    });
    this.#child.on('message', (message) => onMessage(message as FromEngine | FromJob));
    this.exited = new Promise((resolve) => {
      // Not `exit`: messages may still be on their way then.
      this.#child.on('close', (code, signal) => resolve({ code, signal }));
      this.#child.on('error', () => {
        // Also told of a signal or message that did not reach a process, which says nothing about its end.
        if (this.#child.pid === undefined) resolve({ code: 1, signal: null });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToEngine | Job): void {
    if (this.#child.connected) this.#child.send(message);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
