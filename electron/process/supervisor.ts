import type { ChildExit } from '../base/child.ts';
import { UsageError, UserError } from '../base/errors.ts';
import { logDefect, logFile } from '../base/log.ts';
import type { FromStudio, ServeAt, Served, ToStudio } from './messages.ts';

/** A process of the studio, and how it ended. */
export interface StudioProcess<P = never> {
  /** Settles when it has ended and all that it said has arrived. */
  readonly exited: Promise<ChildExit>;
  send(message: ToStudio, port?: P): void;
  kill(): void;
}

export type SpawnStudio<P = never> = (onMessage: (message: FromStudio) => void) => StudioProcess<P>;

export interface SupervisorOptions {
  readonly home: string;
  readonly at?: ServeAt;
  /** Told of all that the studio says, but for what opening and closing need. */
  readonly onMessage: (message: FromStudio) => void;
  /** It died, and is started again. */
  readonly onRestart?: (line: string) => void;
  /** It died too often: nothing is started any more. */
  readonly onGivenUp: (line: string) => void;
}

/** A studio that has lived this long was no failure to start. */
const soundMs = 30_000;
/** So often one after the other, each soon after its start. */
const maxDeaths = 5;
/** One that is to end now and does not is killed. */
const killMs = 1000;
const pauseMs = (deaths: number): number => (deaths <= 1 ? 0 : 250 * 2 ** deaths);

/** Starts the studio's process, and starts it again when it dies; windows find it where it was. */
export class StudioSupervisor<P = never> {
  readonly #spawn: SpawnStudio<P>;
  readonly #options: SupervisorOptions;
  #process: StudioProcess<P> | undefined;
  #at: ServeAt | undefined;
  /** Of the studio that runs: settles when it can be spoken to. */
  #opening: Promise<Served | undefined> | undefined;
  #closing: ((training: number) => void) | undefined;
  #isEnding = false;
  #deaths = 0;

  constructor(spawn: SpawnStudio<P>, options: SupervisorOptions) {
    this.#spawn = spawn;
    this.#options = options;
    this.#at = options.at;
  }

  /** Opens the studio. @throws UserError when it can't be: nothing is left running then */
  async start(): Promise<Served | undefined> {
    const served = await this.#open();
    // From now on at the same place, and known to the browsers that were let in.
    if (served && this.#at) this.#at = { ...this.#at, port: served.port, token: served.token };
    return served;
  }

  /** Tells the studio something, or the one that is being started in its place as soon as it is open. */
  async send(message: ToStudio, port?: P): Promise<void> {
    try {
      await this.#opening;
      this.#process?.send(message, port);
    } catch {
      // The next one hears of it, where there is one.
      if (!this.#isEnding && this.#opening) await this.send(message, port);
    }
  }

  /** Tells the studio that runs, where one does. */
  sendNow(message: ToStudio, port?: P): void {
    this.#process?.send(message, port);
  }

  /**
   * Saves what trains, and ends the studio.
   * @param onClosing told how many runs are being saved
   */
  async shutdown(onClosing: (training: number) => void = () => {}): Promise<void> {
    this.#isEnding = true;
    this.#closing = onClosing;
    const { exited } = this.#process ?? {};
    this.#process?.send({ type: 'shutdown' });
    await exited;
  }

  /** Ends the studio and its engines now: what came after the last checkpoints is lost. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    const studio = this.#process;
    studio?.send({ type: 'kill' });
    const late = setTimeout(() => studio?.kill(), killMs);
    await studio?.exited;
    clearTimeout(late);
  }

  #open(): Promise<Served | undefined> {
    const opening = new Promise<Served | undefined>((resolve, reject) => {
      const startedAt = performance.now();
      let isOpen = false;
      let isDone = false;
      const studio = this.#spawn((message) => {
        if (message.type === 'opened') {
          isOpen = true;
          resolve(message.served);
        } else if (message.type === 'refused') {
          reject(message.isUsage ? new UsageError(message.message) : new UserError(message.message));
        } else if (message.type === 'closing') {
          this.#closing?.(message.training);
        } else if (message.type === 'closed') {
          isDone = true;
        } else {
          this.#options.onMessage(message);
        }
      });
      this.#process = studio;
      studio.send({ type: 'open', home: this.#options.home, ...(this.#at ? { at: this.#at } : {}) });
      void studio.exited.then(({ code, signal }) => {
        if (this.#process === studio) this.#process = undefined;
        const how = signal === null ? `with code ${code}` : `by ${signal}`;
        reject(new UserError(`The studio's process ended ${how} before it was open. See the log: ${this.#log}`));
        if (this.#isEnding) return;
        // Somebody ended it by its own signal, which saves what trains.
        if (isDone) return this.#giveUp('The studio was ended.');
        if (isOpen) this.#died(`The studio's process ended ${how}`, performance.now() - startedAt);
      });
    });
    this.#opening = opening;
    return opening;
  }

  get #log(): string {
    return logFile(this.#options.home);
  }

  #died(what: string, livedMs: number): void {
    this.#deaths = livedMs < soundMs ? this.#deaths + 1 : 1;
    logDefect(this.#options.home, 'studio', new Error(what));
    if (this.#deaths > maxDeaths) {
      this.#giveUp(`${what}, for the ${this.#deaths}th time. See the log: ${this.#log}`);
      return;
    }
    this.#options.onRestart?.(`${what}: it is started again, and runs that were training are saved and resume.`);
    // Whoever sends something meanwhile waits for it.
    let restart = (): void => {};
    this.#opening = new Promise((resolve, reject) => {
      restart = () => {
        if (this.#isEnding) return reject(new UserError('The studio is closed.'));
        this.#open().then(resolve, (error: unknown) => {
          reject(error as Error);
          if (!this.#isEnding) this.#died(what, 0);
        });
      };
    });
    this.#opening.catch(() => {});
    setTimeout(restart, pauseMs(this.#deaths));
  }

  #giveUp(line: string): void {
    this.#isEnding = true;
    this.#options.onGivenUp(line);
  }
}
