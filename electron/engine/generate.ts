import type { OpenedCheckpoint } from './checkpoint/index.ts';
import type { RunConfig } from './config.ts';
import { openDevice } from './devices/open.ts';
import { Generator, type SamplingOptions } from './generator.ts';
import { Gpt2 } from './gpt2/programs.ts';
import { plan } from './program/planner.ts';
import { restoreModel } from './trainer/snapshot.ts';

/**
 * Continues a prompt with a checkpoint's weights.
 * @yields token ids, one by one
 */
export async function* generateFrom(
  checkpoint: OpenedCheckpoint,
  config: RunConfig,
  prompt: readonly number[],
  options: SamplingOptions,
): AsyncGenerator<number> {
  const model = new Gpt2(config.model, config.precision);
  const generator = new Generator(model, config.model.contextLength);
  const { device } = await openDevice(config.device);
  const programs = [generator.program, model.castWeights];
  const session = await device.load(programs, plan(programs));
  try {
    await restoreModel(session, model, checkpoint);
    yield* generator.generate(session, prompt, options);
  } finally {
    session.close();
  }
}
