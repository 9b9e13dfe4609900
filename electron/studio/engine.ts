import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { FromEngine, ToEngine } from '../engine/process/messages.ts';

const entry = path.resolve(import.meta.dirname, '../engine/process/main.ts');

/** How an engine process ended: by its own word, or not. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One engine process, told to start and to stop; what it says arrives at `onMessage`. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<EngineExit>;

  constructor(onMessage: (message: FromEngine) => void) {
    this.#child = fork(entry, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => onMessage(message as FromEngine));
    this.exited = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => resolve({ code, signal }));
      this.#child.on('error', () => resolve({ code: 1, signal: null }));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToEngine): void {
    if (this.#child.connected) this.#child.send(message);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
