export type Budget =
  /** What a run would take there, or one of its GPUs. */
  | { kind: 'machine'; gpu?: number }
  | { kind: 'gpu'; id: string; reserveMiB: number }
  | { kind: 'memory'; gib: number; reserveMiB: number };

/** The memory that plans are held against, the same on all pages, and kept for the next time. */
class BudgetChoice {
  value = $state<Budget>(read());

  choose(id: string): void {
    const reserveMiB = this.value.kind === 'machine' || !isReserve(this.value.reserveMiB) ? 512 : this.value.reserveMiB;
    const [kind, gpu] = id.split(':');
    if (kind !== 'machine') this.value = { kind: 'gpu', id, reserveMiB };
    else this.value = { kind, ...(gpu === undefined ? {} : { gpu: Number(gpu) }) };
    this.keep();
  }

  /** What is mistyped is not kept. */
  keep(): void {
    if (this.value.kind !== 'machine' && !isReserve(this.value.reserveMiB)) return;
    localStorage.setItem('budget', JSON.stringify(this.value));
  }
}

const isReserve = (mib: number): boolean => typeof mib === 'number' && mib >= 0 && mib <= 1e6;

function read(): Budget {
  try {
    const kept = JSON.parse(localStorage.getItem('budget') ?? '') as Budget;
    if (kept.kind === 'machine' || (kept.kind === 'gpu' && isReserve(kept.reserveMiB))) return kept;
  } catch {
    // Nothing is kept yet.
  }
  return { kind: 'machine' };
}

export const budget = new BudgetChoice();
