import fs from 'node:fs';
import { z } from 'zod';
import { version } from '../../../version.ts';
import type { GpuDescription, ProductChoice } from './addon.ts';

const schema = z.record(
  z.string(),
  z.array(
    z.strictObject({
      product: z.string(),
      algorithm: z.string().regex(/^([0-9a-f]{128})?$/),
      ownSeconds: z.number(),
      librarySeconds: z.number(),
    }),
  ),
);

/**
 * Which products NVIDIA's library multiplies on a GPU and which own kernels do, as they were timed once. The bits of
 * results depend on it: a run that is resumed, or trained again, must not depend on who was faster that day.
 */
export class KeptProducts {
  readonly #file: string;
  readonly #key: string;
  #kept = '';

  /** @param file is made when something is known, and may be missing */
  constructor(file: string, gpu: Pick<GpuDescription, 'name' | 'computeCapability' | 'library'>) {
    this.#file = file;
    this.#key = `${gpu.name} (${gpu.computeCapability}), ${gpu.library}, Trainyard ${version}`;
  }

  /** What is known of this GPU with this library; nothing where the file is missing or damaged: then all is timed anew. */
  read(): ProductChoice[] {
    const choices = this.#readAll()[this.#key] ?? [];
    this.#kept = JSON.stringify(choices);
    return choices;
  }

  /** Keeps what is known now, beside what other processes have found out of other products. */
  keep(choices: readonly ProductChoice[]): void {
    const now = JSON.stringify(choices);
    if (now === this.#kept) return;
    const all = this.#readAll();
    const known = new Map([...(all[this.#key] ?? []), ...choices].map((c) => [c.product, c]));
    // In the order in which devices tell them, so that the same is seen to be the same.
    const sorted = [...known.values()].sort((a, b) => (a.product < b.product ? -1 : 1));
    const partial = `${this.#file}.${process.pid}`;
    try {
      fs.writeFileSync(partial, `${JSON.stringify({ ...all, [this.#key]: sorted }, null, 1)}\n`);
      fs.renameSync(partial, this.#file);
      this.#kept = now;
    } catch (error) {
      fs.rmSync(partial, { force: true });
      console.warn(
        `Which matrix products ${this.#key} does fastest can't be kept in ${this.#file} (${(error as Error).message}): a resumed run may differ in the last bits.`,
      );
    }
  }

  #readAll(): Record<string, ProductChoice[]> {
    try {
      return schema.parse(JSON.parse(fs.readFileSync(this.#file, 'utf8')));
    } catch {
      return {};
    }
  }
}
