import { type Group, rowsOf } from '../../evals/packing.ts';
import type { Session } from '../devices/device.ts';
import type { PackedInputs } from '../models/inputs.ts';
import type { Model } from '../models/programs.ts';
import type { Buffer, Program } from '../program/types.ts';

/** The log-probability of a choice, in nats: the sum over its tokens. */
export interface ChoiceScore {
  readonly question: number;
  readonly choice: number;
  readonly logprob: number;
}

/** Tokens that are read at a time unless asked otherwise: enough to keep products busy. */
export const defaultRows = 1024;

/** Scores choices that are packed into one row of tokens: nothing is read twice, nothing is padded. */
export class Scorer {
  readonly program: Program;
  /** Tokens that are read at a time. */
  readonly rows: number;
  /** Tokens of the longest text. */
  readonly contextLength: number;
  readonly #inputs: PackedInputs;
  readonly #losses: Buffer;

  constructor(model: Model, rows = defaultRows) {
    const { program, inputs, losses } = model.scoring(rows);
    this.program = program;
    this.rows = rows;
    this.contextLength = model.config.contextLength;
    this.#inputs = inputs;
    this.#losses = losses;
  }

  /** @param groups that have room together, as `pack` puts them into bins */
  async score(session: Session, groups: readonly Group[]): Promise<ChoiceScore[]> {
    const layout = new Layout(this.rows);
    for (const group of groups) layout.add(group);
    const { tokens, positions, spans, rows, targets } = this.#inputs;
    session.write(tokens, layout.tokens);
    session.write(positions, layout.positions);
    session.write(spans, layout.spans);
    session.write(rows, layout.rows);
    session.write(targets, layout.targets);
    await session.run(this.program);
    const losses = session.read(this.#losses) as Float32Array;
    return layout.choices.map(({ question, choice, from, to }) => {
      let logprob = 0;
      for (let i = from; i < to; i++) logprob -= losses[i]!;
      return { question, choice, logprob };
    });
  }
}

/** Where the tokens of a bin lie, and what is asked of them. */
class Layout {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly spans: Int32Array;
  readonly rows: Int32Array;
  readonly targets: Int32Array;
  /** Of each choice, where its tokens' losses are. */
  readonly choices: { question: number; choice: number; from: number; to: number }[] = [];
  #used = 0;
  #scored = 0;

  constructor(rows: number) {
    this.tokens = new Int32Array(rows);
    this.positions = new Int32Array(rows);
    // What is not used is a token that sees the first one only.
    this.spans = Int32Array.from({ length: 3 * rows }, (_, i) => Math.floor(i / 3));
    this.rows = new Int32Array(rows);
    this.targets = new Int32Array(rows).fill(-1);
  }

  add(group: Group): void {
    const { question, prompt, choices } = group;
    if (this.#used + rowsOf(group) > this.tokens.length) throw new Error('a bin has no room for this group');
    const begin = this.#used;
    for (const [i, token] of prompt.entries()) this.#put(token, i, begin, begin, begin);
    const end = this.#used;
    for (const { choice, tokens } of choices) {
      const own = this.#used;
      const from = this.#scored;
      for (const [i, target] of tokens.entries()) {
        // What predicts a token is the one before it: the first one's is the prompt's last.
        const before = i === 0 ? end - 1 : this.#put(tokens[i - 1]!, prompt.length + i - 1, begin, end, own);
        this.rows[this.#scored] = before;
        this.targets[this.#scored++] = target;
      }
      this.choices.push({ question, choice, from, to: this.#scored });
    }
  }

  #put(token: number, position: number, begin: number, end: number, own: number): number {
    const row = this.#used++;
    this.tokens[row] = token;
    this.positions[row] = position;
    this.spans.set([begin, end, own], 3 * row);
    return row;
  }
}
