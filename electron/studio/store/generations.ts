import { sql as raw, type SqlBool } from 'kysely';
import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';

/** A text that somebody had a checkpoint write. */
export interface GenerationRecord {
  readonly id: number;
  /** Id of the run, which may have been deleted since, and its name then. */
  readonly run: string;
  readonly name: string;
  readonly step: number;
  readonly prompt: string;
  readonly text: string;
  /** How it was sampled, as it was asked for; its seed among that. */
  readonly settings: unknown;
  readonly notices: readonly string[];
  /** Milliseconds since 1970. */
  readonly time: number;
}

export type NewGeneration = Omit<GenerationRecord, 'id' | 'time'> & {
  /** How its tokens were chosen. */
  readonly tokens: unknown;
};

export interface GenerationFilter {
  readonly run?: string;
  /** Which prompt or text contains. */
  readonly contains?: string;
  /** Only those that are older than this one. */
  readonly before?: number;
  readonly limit: number;
}

/** Older ones are forgotten: with their tokens each takes some ten kilobytes. */
const maxKept = 1000;

const columns = ['id', 'run', 'name', 'step', 'prompt', 'text', 'settings', 'notices', 'time'] as const;

/** Texts that people had checkpoints write. */
export class GenerationTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Keeps a text, and forgets those that are too many. @returns its id, which no other one will have */
  add(generation: NewGeneration): number {
    const { settings, notices, tokens, ...rest } = generation;
    const connection = this.#connection;
    return connection.write(() => {
      connection.run(
        sql.insertInto('generations').values({
          ...rest,
          settings: JSON.stringify(settings),
          notices: JSON.stringify(notices),
          tokens: JSON.stringify(tokens),
          time: Date.now(),
        }),
      );
      const { id } = connection.first(sql.selectFrom('generations').select('id').orderBy('id', 'desc').limit(1))!;
      const last = sql.selectFrom('generations').select('id').orderBy('id', 'desc').offset(maxKept).limit(1);
      const old = connection.first(last);
      if (old) connection.run(sql.deleteFrom('generations').where('id', '<=', old.id));
      return id;
    });
  }

  /** The latest first. */
  list({ run, contains = '', before, limit }: GenerationFilter): GenerationRecord[] {
    let query = sql.selectFrom('generations').select(columns);
    if (run !== undefined) query = query.where('run', '=', run);
    if (before !== undefined) query = query.where('id', '<', before);
    if (contains !== '') {
      const wanted = contains.toLowerCase();
      const holds = (column: 'prompt' | 'text') => raw<SqlBool>`instr(lower(${raw.ref(column)}), ${wanted}) > 0`;
      query = query.where(({ or }) => or([holds('prompt'), holds('text')]));
    }
    return this.#connection.all(query.orderBy('id', 'desc').limit(limit)).map((row) => ({
      ...row,
      settings: parseStored(row.settings, `The database ${this.#connection.file}`),
      notices: parseStored(row.notices, `The database ${this.#connection.file}`) as string[],
    }));
  }

  /** How the tokens of a text were chosen; undefined where there is no such text. */
  tokens(id: number): unknown {
    const row = this.#connection.first(sql.selectFrom('generations').select('tokens').where('id', '=', id));
    return row && parseStored(row.tokens, `The database ${this.#connection.file}`);
  }

  /** @param ids absent: all */
  remove(ids?: readonly number[]): void {
    const query = sql.deleteFrom('generations');
    this.#connection.run(ids === undefined ? query : query.where('id', 'in', [...ids]));
  }
}
