import { MessageChannelMain, type MessagePortMain, utilityProcess } from 'electron';
import { isSystemError } from '../base/systemErrors.ts';
import { engineEntry } from '../studio/run/engine.ts';

interface Engine {
  kill(): void;
}

/**
 * The engines of a studio as utility processes of Electron's: `child_process.fork` needs a fuse that is off, and a utility
 * process can start none. What they say goes over a port from each to the studio, past this process.
 */
export class UtilityEngines {
  readonly #engines = new Map<number, Engine>();

  /**
   * Starts an engine.
   * @param id by which the studio knows it
   * @param connect hands its port to the studio
   * @param exited told when it has ended
   */
  start(id: number, connect: (port: MessagePortMain) => void, exited: (code: number) => void): void {
    const child = utilityProcess.fork(engineEntry(), [], { serviceName: 'Trainyard engine', stdio: 'inherit' });
    const { port1, port2 } = new MessageChannelMain();
    child.postMessage({ type: 'port' }, [port1]);
    connect(port2);
    let isGone = false;
    child.on('exit', (code) => {
      isGone = true;
      this.#engines.delete(id);
      exited(code);
    });
    this.#engines.set(id, {
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
    });
  }

  kill(id: number): void {
    this.#engines.get(id)?.kill();
  }
}
