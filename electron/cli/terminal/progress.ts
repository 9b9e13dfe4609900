import { createLogUpdate } from 'log-update';
import { formatDuration, formatShort } from '../../base/format.ts';
import { printable } from './text.ts';

export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
  readonly phase: string;
}

const barWidth = 24;
const redrawMs = 100;

/** One line of progress that redraws itself on a terminal, and is printed now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #log: ReturnType<typeof createLogUpdate>;
  #last = 0;
  #printed = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#log = createLogUpdate(stream);
  }

  update(p: Progress): void {
    const now = Date.now();
    if (this.#stream.isTTY) {
      if (now - this.#last < redrawMs && p.step < p.steps) return;
      this.#last = now;
      this.#log(progressText(p));
      return;
    }
    const tenths = Math.floor((10 * p.step) / p.steps);
    if (tenths <= this.#printed) return;
    this.#printed = tenths;
    this.#stream.write(`${progressText(p)}\n`);
  }

  /** Prints a line above the progress. */
  say(text: string): void {
    if (this.#stream.isTTY) this.#log.clear();
    this.#stream.write(`${printable(text)}\n`);
  }

  done(): void {
    if (this.#stream.isTTY) this.#log.done();
  }
}

/** `[██████░░░░░░] 512/2000  loss 2.314  31.2 k tok/s  cosine  1m 04s left` */
export function progressText(p: Progress): string {
  const filled = Math.round((barWidth * p.step) / p.steps);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const rate = `${formatShort(p.tokensPerSecond)} tokens/s`;
  return `[${bar}] ${p.step}/${p.steps}  loss ${p.loss.toFixed(3)}  ${rate}  ${p.phase}  ${formatDuration(p.secondsLeft)} left`;
}
