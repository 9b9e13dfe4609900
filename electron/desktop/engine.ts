import { utilityProcess } from 'electron';
import type { FromEngine, FromJob } from '../engine/process/messages.ts';
import { isSystemError } from '../base/systemErrors.ts';
import { type EngineExit, engineEntry, type SpawnEngine } from '../studio/run/engine.ts';

/** After one of these an engine has nothing more to say, and ends when it knows that it was heard. */
const lastWords = new Set<string>(['ended', 'error', 'finished']);

/** An engine as a utility process of Electron's: `child_process.fork` needs a fuse that is off. */
export const utilityEngine: SpawnEngine = (onMessage) => {
  const child = utilityProcess.fork(engineEntry(), [], { serviceName: 'Trainyard engine', stdio: 'inherit' });
  child.on('message', (message: FromEngine | FromJob) => {
    onMessage(message);
    if (lastWords.has(message.type)) child.postMessage({ type: 'bye' });
  });
  let isGone = false;
  const exited = new Promise<EngineExit>((resolve) => {
    child.on('exit', (code) => {
      isGone = true;
      resolve({ code, signal: null });
    });
  });
  return {
    exited,
    send: (message) => child.postMessage(message),
    // A utility process can't catch what `kill` sends: on POSIX it is told by its pid to end at once.
    kill() {
      if (isGone) return;
      if (child.pid === undefined || process.platform === 'win32') return void child.kill();
      try {
        process.kill(child.pid, 'SIGKILL');
      } catch (error) {
        // It has ended, and that is still to be heard of.
        if (!isSystemError(error) || error.code !== 'ESRCH') throw error;
      }
    },
  };
};
