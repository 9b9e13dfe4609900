import path from 'node:path';
import type Database from 'better-sqlite3';
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { explain } from './errors.ts';
import type { Tables } from './schema.ts';

/**
 * Builds typed queries and never runs them: kysely's own execution is asynchronous, better-sqlite3 is not, and a
 * synchronous store can't be interleaved in the middle of a transaction.
 */
export const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

interface Compilable<T> {
  compile(): CompiledQuery<T>;
}

/** One open database: runs compiled queries, keeps prepared statements, and explains what the file refuses. */
export class Connection {
  readonly file: string;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();

  constructor(db: Database.Database, file: string) {
    this.#db = db;
    this.file = file;
  }

  /** The folder that what the store keeps is relative to. */
  get home(): string {
    return path.dirname(path.resolve(this.file));
  }

  get isOpen(): boolean {
    return this.#db.open;
  }

  /** A prepared statement, for the hot paths; run it inside `write`, `read` or `guard`. */
  prepare(text: string): Database.Statement<unknown[]> {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare<unknown[]>(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  all<T>(query: Compilable<T>): T[] {
    const { sql: text, parameters } = query.compile();
    return this.guard(() => this.prepare(text).all(...parameters) as T[]);
  }

  first<T>(query: Compilable<T>): T | undefined {
    const { sql: text, parameters } = query.compile();
    return this.guard(() => this.prepare(text).get(...parameters) as T | undefined);
  }

  /** @returns the number of rows changed */
  run(query: Compilable<unknown>): number {
    const { sql: text, parameters } = query.compile();
    return this.guard(() => this.prepare(text).run(...parameters).changes);
  }

  /** Does all of the work or none of it. The lock is taken at once: waiting for it can't fail half way. */
  write<T>(work: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', work);
  }

  /** Whether what is written is on disk for good when it is done; the database itself is whole either way. Not within a transaction. */
  durably(isDurable: boolean): void {
    this.guard(() => this.#db.pragma(`synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`));
  }

  /** Reads that see one state of the database, whatever others write meanwhile. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  /** @throws UserError, naming the file, for what the file or its disk refuses */
  guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.file);
    }
  }

  /** Another value whenever the database was written: by another connection (data_version), or by this one. */
  version(): string {
    return this.guard(() => {
      const others = this.prepare('PRAGMA data_version').get() as { data_version: number };
      const own = this.prepare('SELECT total_changes() AS changes').get() as { changes: number };
      return `${others.data_version}.${own.changes}`;
    });
  }

  /** Rows that this connection has changed. */
  changes(): number {
    return this.guard(() => this.prepare('SELECT total_changes()').pluck().get() as number);
  }

  /** Writes a compact copy of the database to a new file; all of it is read for that, so a damaged one fails. */
  copyTo(file: string): void {
    this.guard(() => this.#db.prepare('VACUUM INTO ?').run(file));
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #transaction<T>(begin: string, work: () => T): T {
    if (this.#db.inTransaction) return work();
    return this.guard(() => {
      this.prepare(begin).run();
      try {
        const result = work();
        this.prepare('COMMIT').run();
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, such as a full disk.
        if (this.#db.inTransaction) this.prepare('ROLLBACK').run();
        throw error;
      }
    });
  }
}
