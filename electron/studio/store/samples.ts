import { type Connection, sql } from './connection.ts';
import type { RunSerials } from './serials.ts';

export interface SampleRecord {
  readonly id: number;
  readonly step: number;
  readonly prompt: string;
  readonly seed: number;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Texts that runs wrote while they were trained. */
export class SampleTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  add(id: string, step: number, prompt: string, seed: number, text: string): void {
    const values = { run: this.#serials.of(id), step, prompt, seed, text, time: Date.now() };
    this.#connection.run(sql.insertInto('samples').values(values));
  }

  list(id: string): SampleRecord[] {
    const columns = ['id', 'step', 'prompt', 'seed', 'text', 'time'] as const;
    const query = sql.selectFrom('samples').select(columns).where('run', '=', this.#serials.of(id));
    return this.#connection.all(query.orderBy('step').orderBy('id'));
  }

  /** Deletes those of later steps. */
  truncateAfter(id: string, step: number): void {
    this.#connection.run(sql.deleteFrom('samples').where('run', '=', this.#serials.of(id)).where('step', '>', step));
  }
}
