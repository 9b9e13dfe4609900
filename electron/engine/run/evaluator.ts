import type { Session } from '../devices/device.ts';
import type { Inputs } from '../models/inputs.ts';
import type { Model } from '../models/programs.ts';
import type { Buffer, Program } from '../program/types.ts';
import type { Windows } from './data.ts';

/** Targets that count nothing: they fill the last batch. */
const ignored = -1;

/** Mean cross-entropy over a fixed set of windows, without gradients. */
export class Evaluator {
  readonly program: Program;
  readonly #inputs: Inputs;
  readonly #losses: Buffer;

  constructor(model: Model, batch: number, time: number) {
    const evaluation = model.evaluation(batch, time);
    this.program = evaluation.program;
    this.#inputs = evaluation.inputs;
    this.#losses = evaluation.losses;
  }

  /**
   * @param isCancelled asked between batches
   * @param onProgress told how many windows are done
   * @returns nats a token, the mean over all targets of windows 0 … windows.count - 1; undefined when cancelled
   */
  async meanLoss(
    session: Session,
    windows: Windows,
    isCancelled = () => false,
    onProgress: (done: number) => void = () => {},
  ): Promise<number | undefined> {
    const [batch, time] = this.#inputs.tokens.shape as [number, number];
    const tokens = new Int32Array(batch * time);
    const targets = new Int32Array(batch * time);
    const losses = new Float32Array(batch * time);
    let total = 0;
    for (let first = 0; first < windows.count; first += batch) {
      if (isCancelled()) return undefined;
      const rows = Math.min(batch, windows.count - first);
      targets.fill(ignored);
      for (let row = 0; row < rows; row++) {
        const window = windows.read(first + row);
        tokens.set(window.inputs, row * time);
        targets.set(window.targets, row * time);
      }
      session.write(this.#inputs.tokens, tokens);
      session.write(this.#inputs.targets, targets);
      await session.run(this.program);
      session.read(this.#losses, losses);
      for (let i = 0; i < rows * time; i++) total += losses[i]!;
      onProgress(first + rows);
    }
    return total / (windows.count * time);
  }
}
