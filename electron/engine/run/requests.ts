import type { PhaseRequest, RequestOrder } from './events.ts';

/** What is asked of a run from outside, at any time, even before it is opened. The loop takes it between two steps. */
export class Requests {
  #isStopped = false;
  #isFinishing = false;
  #orders: RequestOrder[] = [];
  #phaseChanges: PhaseRequest[] = [];

  /** Ends the run after the current step, with a checkpoint, to go on later. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Makes the current step the run's last: what belongs behind the last one is done, and the run is complete. It takes the
   * place of a stop that is not done yet; a stop that comes later cuts short what is done behind the step.
   */
  finish(): void {
    this.#isFinishing = true;
    this.#isStopped = false;
  }

  /** Has something done besides training; an `asked` event gives the answer. */
  ask(order: RequestOrder): void {
    this.#orders.push(order);
  }

  /** Changes the phases that have not begun; a `phases` or `phasesRefused` event gives the answer. */
  changePhases(request: PhaseRequest): void {
    this.#phaseChanges.push(request);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  /** Nothing is asked for, not even a stop. */
  get isEmpty(): boolean {
    return !this.#isStopped && !this.#isFinishing && this.#orders.length === 0 && this.#phaseChanges.length === 0;
  }

  takeOrders(): RequestOrder[] {
    return this.#orders.splice(0);
  }

  takePhaseChanges(): PhaseRequest[] {
    return this.#phaseChanges.splice(0);
  }
}
