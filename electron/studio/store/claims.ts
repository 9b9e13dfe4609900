import { UserError } from '../../base/errors.ts';
import { engineOf } from '../../engine/process/orphan.ts';
import { runDir } from '../home.ts';
import { type Connection, sql } from './connection.ts';
import type { Holder } from '../../base/lock.ts';
import { describeOwner, heartbeatEveryMs, isAlive, isSameProcess, type Owner, thisProcess } from '../../base/owner.ts';
import type { RunRow } from './schema.ts';
import type { RunSerials } from './serials.ts';

const ownerOf = ({ pid, host, bootId, processStart, pidNamespace }: RunRow): Owner | null =>
  pid === null || host === null ? null : { pid, host, bootId, processStart, pidNamespace };

const ownerLives = (row: RunRow): boolean => {
  const owner = ownerOf(row);
  return owner !== null && isAlive(owner, row.heartbeat ?? 0);
};

const isMine = (row: RunRow): boolean => {
  const owner = ownerOf(row);
  return owner !== null && isSameProcess(owner, thisProcess());
};

/** Of a run that no process owns. */
export const nobody = { pid: null, host: null, bootId: null, processStart: null, pidNamespace: null, heartbeat: null };

/** Which process owns which run: one alone trains it. */
export class Claims {
  readonly #connection: Connection;
  readonly #serials: RunSerials;
  /** What is called when the claim on a run is lost, by the serials of those that are claimed here. */
  readonly #held = new Map<number, () => void>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /**
   * Makes this process the run's owner, until it is released or the process ends.
   * @param onLost called when another process has become the owner, which took this one for dead: it stood still for minutes
   * @throws UserError while another process that lives is
   */
  take(id: string, onLost: () => void = () => {}): void {
    const serial = this.#serials.changing(id);
    this.#connection.write(() => {
      this.requireUnowned(id);
      this.#connection.run(
        sql
          .updateTable('runs')
          .set({ ...thisProcess(), heartbeat: Date.now() })
          .where('serial', '=', serial),
      );
    });
    this.#held.set(serial, onLost);
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatEveryMs).unref();
  }

  /** Ends the ownership of this process; another's stays. */
  release(id: string): void {
    const serial = this.#serials.changing(id);
    this.#connection.write(() => {
      if (this.isOwn(id)) this.#connection.run(sql.updateTable('runs').set(nobody).where('serial', '=', serial));
    });
    this.#held.delete(serial);
  }

  /** Whether this process owns a run. */
  isOwn(id: string): boolean {
    const row = this.#row(id);
    return row !== undefined && isMine(row);
  }

  /** @throws UserError while another process that lives owns the run */
  requireUnowned(id: string): void {
    const row = this.#row(id);
    if (!row || isMine(row) || !this.lives(row)) return;
    if (!ownerLives(row))
      throw new UserError(
        `The run ${row.id} is still being saved by its engine, whose studio has ended: try again when that has ended.`,
      );
    const who = describeOwner(ownerOf(row)!, row.heartbeat ?? 0);
    throw new UserError(
      `The run ${row.id} belongs to ${who}: pause it there first, or from here with \`trainyard pause ${row.id}\`.`,
    );
  }

  /** Whether a run whose owner is gone is still being saved by its engine. */
  isOrphaned(id: string): boolean {
    const row = this.#row(id);
    return row !== undefined && this.#orphan(row) !== null;
  }

  /** Whether the process that owns a run, or the engine that still saves it, is there. */
  lives(row: RunRow): boolean {
    return ownerLives(row) || this.#orphan(row) !== null;
  }

  /** The run is deleted. */
  forget(id: string): void {
    this.#held.delete(this.#serials.of(id));
  }

  /** Does work that is undone where it fails: a run that was made and claimed in it is none then. */
  undoing<T>(work: () => T): T {
    const before = new Set(this.#held.keys());
    try {
      return work();
    } catch (error) {
      for (const serial of this.#held.keys()) if (!before.has(serial)) this.#held.delete(serial);
      throw error;
    }
  }

  /** Says no more that this process lives. */
  close(): void {
    clearInterval(this.#heartbeat);
  }

  /** The engine that still saves a run whose owner is gone, where there is one. */
  #orphan(row: RunRow): Holder | null {
    return row.pid === null || ownerLives(row) ? null : engineOf(runDir(this.#connection.home, row.id));
  }

  #row(id: string): RunRow | undefined {
    return this.#connection.first(sql.selectFrom('runs').selectAll().where('serial', '=', this.#serials.of(id)));
  }

  #beat(): void {
    try {
      for (const serial of this.#sayAlive([...this.#held.keys()])) {
        const onLost = this.#held.get(serial);
        this.#held.delete(serial);
        onLost?.();
      }
    } catch {
      // A beat that is lost does no harm: the next one or the next metrics tell what is wrong.
    }
  }

  /** Says that this process lives, for the runs that it owns. @returns those of the runs that it does not own any more */
  #sayAlive(serials: readonly number[]): number[] {
    if (serials.length === 0) return [];
    return this.#connection.write(() => {
      const rows = this.#connection.all(sql.selectFrom('runs').selectAll().where('serial', 'in', serials));
      const own = rows.filter(isMine).map((row) => row.serial);
      if (own.length > 0)
        this.#connection.run(sql.updateTable('runs').set({ heartbeat: Date.now() }).where('serial', 'in', own));
      return serials.filter((serial) => !own.includes(serial));
    });
  }
}
