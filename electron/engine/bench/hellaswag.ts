import type { HellaswagQuestion } from '../../evals/hellaswag/questions.ts';
import type { Session } from '../devices/device.ts';
import type { ModelConfig } from '../models/index.ts';
import { Model } from '../models/programs.ts';
import { scoreItems } from '../use/hellaswag.ts';
import type { Precision, Program } from '../program/types.ts';
import { Scorer } from '../use/scorer.ts';
import { initialize } from '../run/initialize.ts';
import { median } from './median.ts';

export interface HellaswagBench {
  readonly items: number;
  /** Median seconds for all items with the prompt read once, packed. */
  readonly packedSeconds: number;
  /** Median seconds for all items as four whole sequences each, in a batch filled up to the longest of the four. */
  readonly plainSeconds: number;
  /** Largest difference between the two ways in the log-probability of an ending, nats. */
  readonly largestDifference: number;
}

/** What scores items packed, whatever they are. */
export function scoringPrograms(config: ModelConfig, precision: Precision): readonly Program[] {
  const model = new Model(config, precision);
  return [new Scorer(model).program, model.castWeights];
}

/**
 * Times both ways on the same items, in turns so that a machine that gets slower does so for both. Both have scored the first
 * item before, so that neither is timed as it starts.
 * @param load takes programs into the device that is measured
 */
export async function benchHellaswag(
  load: (programs: readonly Program[]) => Promise<Session>,
  config: ModelConfig,
  precision: Precision,
  questions: ReadonlyMap<number, HellaswagQuestion>,
  rounds: number,
): Promise<HellaswagBench> {
  const model = new Model(config, precision);
  const scorer = new Scorer(model);
  const plain = new PlainScorer(model, [...questions.values()]);
  const session = await load([scorer.program, ...plain.programs, model.castWeights]);
  try {
    await initialize(session, model, 1);
    const packedScores = new Map<number, readonly number[]>();
    const plainScores = new Map<number, readonly number[]>();
    const packed = async (all: typeof questions) => {
      const started = performance.now();
      for await (const scores of scoreItems(session, scorer, all))
        for (const { index, logprobs } of scores) packedScores.set(index, logprobs);
      return (performance.now() - started) / 1000;
    };
    const plainly = async (all: typeof questions) => {
      const started = performance.now();
      for (const [index, question] of all) plainScores.set(index, await plain.score(session, question));
      return (performance.now() - started) / 1000;
    };
    const first = new Map([...questions].slice(0, 1));
    await packed(first);
    await plainly(first);
    const times: { readonly packed: number; readonly plain: number }[] = [];
    for (let round = 0; round < rounds; round++)
      times.push({ packed: await packed(questions), plain: await plainly(questions) });
    return {
      items: questions.size,
      packedSeconds: median(times.map((t) => t.packed)),
      plainSeconds: median(times.map((t) => t.plain)),
      largestDifference: largestDifference(packedScores, plainScores),
    };
  } finally {
    session.close();
  }
}

/** Between the scores of the same items, by their place. */
function largestDifference(
  own: ReadonlyMap<number, readonly number[]>,
  others: ReadonlyMap<number, readonly number[]>,
): number {
  const differences = [...own].flatMap(([index, scores]) =>
    scores.map((score, i) => Math.abs(score - others.get(index)![i]!)),
  );
  return differences.reduce((max, d) => Math.max(max, d), 0);
}

/** The plain way: each ending behind a prompt of its own, the four of an item as one batch. */
class PlainScorer {
  readonly #byTime = new Map<number, ReturnType<Model['evaluation']>>();
  readonly #context: number;

  constructor(model: Model, questions: readonly HellaswagQuestion[]) {
    this.#context = model.config.contextLength;
    const first = model.evaluation(4, 1).inputs;
    for (const question of questions) {
      const time = this.#timeOf(question);
      if (!this.#byTime.has(time)) this.#byTime.set(time, model.evaluation(4, time, first));
    }
  }

  get programs() {
    return [...this.#byTime.values()].map((e) => e.program);
  }

  #sequences({ context, choices }: HellaswagQuestion): number[][] {
    return choices.map((choice) => [...context, ...choice].slice(-(this.#context + 1)));
  }

  #timeOf(question: HellaswagQuestion): number {
    return Math.max(...this.#sequences(question).map((s) => s.length - 1));
  }

  async score(session: Session, question: HellaswagQuestion): Promise<number[]> {
    const time = this.#timeOf(question);
    const { program, inputs, losses } = this.#byTime.get(time)!;
    const tokens = new Int32Array(4 * time);
    const targets = new Int32Array(4 * time).fill(-1);
    for (const [row, sequence] of this.#sequences(question).entries()) {
      tokens.set(sequence.slice(0, -1), row * time);
      targets.set(sequence.slice(1), row * time);
    }
    session.write(inputs.tokens, tokens);
    session.write(inputs.targets, targets);
    session.write(inputs.position, Int32Array.of(0));
    await session.run(program);
    const all = session.read(losses) as Float32Array;
    return question.choices.map((choice, row) => {
      const end = row * time + this.#sequences(question)[row]!.length - 1;
      return -all.subarray(Math.max(row * time, end - choice.length), end).reduce((a, b) => a + b, 0);
    });
  }
}
