import fs from 'node:fs';
import { z } from 'zod';
import { version } from '../../../base/version.ts';
import type { DeviceChoices } from '../device.ts';
import type { GpuDescription, ProductChoice } from '../gpu.ts';

const choicesSchema = z.array(
  z.strictObject({
    product: z.string(),
    algorithm: z.string().regex(/^([0-9a-f]{128})?$/),
    ownSeconds: z.number(),
    librarySeconds: z.number(),
  }),
);
const schema = z.record(z.string(), choicesSchema);

/** What choices are good for: another GPU, library or version of own kernels has others. */
export const choicesKey = (gpu: Pick<GpuDescription, 'name' | 'computeCapability' | 'library'>): string =>
  `${gpu.name} (${gpu.computeCapability}), ${gpu.library}, Trainyard ${version}`;

/** Those that were kept with a run, where they are of this GPU. */
export function choicesOf(kept: DeviceChoices, key: string): ProductChoice[] {
  const parsed = kept.of === key ? choicesSchema.safeParse(kept.choices) : undefined;
  return parsed?.success ? parsed.data : [];
}

/**
 * Which products NVIDIA's library multiplies on a GPU and which own kernels do, as they were timed once, in a file: runs of
 * one config must not differ in their bits because another was faster that day.
 */
export class KeptProducts {
  readonly #file: string;
  readonly #key: string;
  /** What the device was told. */
  #read = new Map<string, ProductChoice>();

  /** @param file is made when something is known, and may be missing */
  constructor(file: string, key: string) {
    this.#file = file;
    this.#key = key;
  }

  /** What is known of this GPU with this library; nothing where the file is missing or damaged: then all is timed anew. */
  read(): ProductChoice[] {
    const choices = this.#readAll()[this.#key] ?? [];
    this.#read = byProduct(choices);
    return choices;
  }

  /** A run has choices of its own, which are nobody else's. */
  leaveOut(choices: readonly ProductChoice[]): void {
    for (const choice of choices) this.#read.set(choice.product, choice);
  }

  /** Keeps what is new, and what took the place of a choice that no longer works. What another process has kept stays. */
  keep(choices: readonly ProductChoice[]): void {
    const isNew = (c: ProductChoice) => this.#read.get(c.product)?.algorithm !== c.algorithm;
    if (!choices.some(isNew)) return;
    const all = this.#readAll();
    const known = byProduct(all[this.#key] ?? []);
    for (const choice of choices.filter(isNew)) {
      const before = known.get(choice.product)?.algorithm;
      if (before === undefined || before === this.#read.get(choice.product)?.algorithm)
        known.set(choice.product, choice);
    }
    this.#write({ ...all, [this.#key]: [...known.values()] });
    this.#read = byProduct(choices);
  }

  #write(all: Record<string, ProductChoice[]>): void {
    const partial = `${this.#file}.${process.pid}`;
    try {
      fs.writeFileSync(partial, `${JSON.stringify(all, null, 1)}\n`);
      fs.renameSync(partial, this.#file);
    } catch (error) {
      fs.rmSync(partial, { force: true });
      console.warn(
        `The fastest matmul algorithms of ${this.#key} can't be saved in ${this.#file} (${(error as Error).message}): another run of the same config may not be bit-exact.`,
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

const byProduct = (choices: readonly ProductChoice[]) => new Map(choices.map((c) => [c.product, c]));
