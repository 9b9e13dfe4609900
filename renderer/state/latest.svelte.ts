import { untrack } from 'svelte';
import type { ConfigProblem } from '../../electron/api/types.ts';
import { messageOf, problemsOf } from './api.ts';

/**
 * The answer to the latest of several questions. Earlier requests are aborted, and an answer that comes late is dropped;
 * while the new one is pending, `value` is still the old answer and `pending` says so; after an error there is none.
 */
export class Latest<Question, Answer> {
  value = $state.raw<Answer>();
  error = $state<string>();
  /** Of the question, where the studio says which of its settings are wrong. */
  problems = $state.raw<readonly ConfigProblem[]>([]);
  pending = $state(false);
  readonly #answer: (question: Question, signal: AbortSignal) => Promise<Answer>;
  #controller: AbortController | undefined;

  constructor(answer: (question: Question, signal: AbortSignal) => Promise<Answer>) {
    this.#answer = answer;
  }

  /** @param restMs a question that is followed by another one sooner is not asked at all */
  ask(question: Question, restMs = 0): void {
    untrack(() => {
      this.#controller?.abort();
      const controller = (this.#controller = new AbortController());
      this.pending = true;
      const timer = setTimeout(() => void this.#take(question, controller.signal), restMs);
      controller.signal.addEventListener('abort', () => clearTimeout(timer));
    });
  }

  /** Asks nothing more: the page is left. */
  stop(): void {
    this.#controller?.abort();
  }

  async #take(question: Question, signal: AbortSignal): Promise<void> {
    try {
      const value = await this.#answer(question, signal);
      if (signal.aborted) return;
      Object.assign(this, { value, error: undefined, problems: [] });
    } catch (error) {
      if (signal.aborted) return;
      Object.assign(this, { value: undefined, error: messageOf(error), problems: problemsOf(error) });
    }
    this.pending = false;
  }
}
