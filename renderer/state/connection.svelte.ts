/** Whether the studio can be reached. */
class Connection {
  state = $state<'connecting' | 'open' | 'lost' | 'refused'>('connecting');
  #waiting: (() => void)[] = [];

  opened(): void {
    this.state = 'open';
    for (const wake of this.#waiting.splice(0)) wake();
  }

  lost(): void {
    if (this.state === 'open') this.state = 'lost';
  }

  /** The studio is there and does not know this window: it was started anew. */
  refused(): void {
    this.state = 'refused';
  }

  /** Settles when the studio can be reached. */
  reached(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export const connection = new Connection();
