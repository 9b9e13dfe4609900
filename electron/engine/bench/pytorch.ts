import { execFile } from 'node:child_process';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { packageFile } from '../../base/paths.ts';
import type { StepBench } from './step.ts';

/** The program that does it: plain PyTorch, which can be run for itself. */
export const pytorchScript = packageFile('resources/bench/pytorch_gpt2.py');

/** `gpu`: what it computes on. */
const foundSchema = z.object({ torch: z.string(), gpu: z.string() });

const resultSchema = foundSchema.extend({
  tokensPerSecond: z.number().positive(),
  /** Of a whole step, the median. */
  seconds: z.number().positive(),
  /** The most that PyTorch held in tensors. */
  peakBytes: z.number(),
  /** The most that it took of the memory for them, or of the host's in all. */
  reservedBytes: z.number(),
  /** Whether torch.compile could be used, and why not. */
  compiled: z.boolean(),
  reason: z.string().optional(),
});

/** A training step of GPT-2 in PyTorch. */
export type PytorchResult = z.infer<typeof resultSchema>;

/** Which PyTorch there is. */
export type FoundPytorch = z.infer<typeof foundSchema>;

/** What PyTorch computes on: a GPU, as CUDA counts them, or threads of the processor. */
export type PytorchPlace = { readonly gpu: number } | { readonly threads: number };

/** PyTorch, by the Python that has it. */
export class Pytorch {
  readonly #python: string;
  readonly #place: readonly string[];

  /** @param python a program, by its path or as the shell finds it */
  constructor(python: string, place: PytorchPlace) {
    this.#python = python;
    this.#place = 'gpu' in place ? ['--gpu', `${place.gpu}`] : ['--cpu', '--threads', `${place.threads}`];
  }

  /** @throws UserError that says what is missing: Python, PyTorch, or a GPU that it can use */
  find(): Promise<FoundPytorch> {
    return this.#run(foundSchema, ['--check']);
  }

  /**
   * Times a training step of the same shape.
   * @param how products of float32 by tensor cores; whether it is compiled before (it is, unless it can't be)
   * @throws UserError that says what it failed of
   */
  time(
    { model, batch, time, precision }: StepBench,
    rounds: number,
    { tf32 = false, compile = true }: { readonly tf32?: boolean; readonly compile?: boolean } = {},
  ): Promise<PytorchResult> {
    const shape = { layers: model.nLayer, heads: model.nHead, width: model.nEmbd, vocab: model.vocabSize };
    const settings = { ...shape, batch, time, precision, rounds };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    return this.#run(resultSchema, [...args, ...(tf32 ? ['--tf32'] : []), ...(compile ? [] : ['--no-compile'])]);
  }

  async #run<T>(schema: z.ZodType<T>, args: readonly string[]): Promise<T> {
    const { error, stdout, stderr } = await execute(this.#python, [pytorchScript, ...this.#place, ...args]);
    if (error && typeof error.code === 'string')
      throw new UserError(`${this.#python} can't be started (${error.code})`);
    const answer = lastJson(stdout);
    const reported = z.object({ error: z.string() }).safeParse(answer);
    if (reported.success) throw new UserError(reported.data.error);
    const result = schema.safeParse(answer);
    if (!error && result.success) return result.data;
    const why = lastLine(stderr) || (error ? `it ended with ${error.code ?? error.signal}` : 'it gave no result');
    throw new UserError(`PyTorch failed: ${why}`);
  }
}

interface Executed {
  readonly error: (Error & { readonly code?: string | number | null; readonly signal?: string }) | null;
  readonly stdout: string;
  readonly stderr: string;
}

const execute = (program: string, args: readonly string[]): Promise<Executed> =>
  new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ error: error as Executed['error'], stdout, stderr }),
    );
  });

const lastLine = (text: string): string => text.trim().split('\n').at(-1)!.trim();

function lastJson(text: string): unknown {
  try {
    return JSON.parse(lastLine(text));
  } catch {
    return undefined;
  }
}
