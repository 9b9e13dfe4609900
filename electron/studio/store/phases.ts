import { type Connection, sql } from './connection.ts';
import type { RunSerials } from './serials.ts';

export interface PhaseRecord {
  /** Place in the plan, from 0. */
  readonly index: number;
  readonly kind: string;
  /** Step at which the phase began. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** The phases that runs have entered. */
export class PhaseTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /** Stores at which step a phase of the plan began; a resumed run that enters it again keeps the earlier step. */
  add(id: string, index: number, kind: string, step: number): void {
    const values = { run: this.#serials.changing(id), position: index, kind, step, time: Date.now() };
    this.#connection.run(
      sql
        .insertInto('phases')
        .values(values)
        .onConflict((c) => c.columns(['run', 'position']).doNothing()),
    );
  }

  list(id: string): PhaseRecord[] {
    const query = sql.selectFrom('phases').select(['position as index', 'kind', 'step', 'time']);
    return this.#connection.all(query.where('run', '=', this.#serials.of(id)).orderBy('position'));
  }

  /** Deletes those that began after a step. */
  truncateAfter(id: string, step: number): void {
    this.#connection.run(
      sql.deleteFrom('phases').where('run', '=', this.#serials.changing(id)).where('step', '>', step),
    );
  }
}
