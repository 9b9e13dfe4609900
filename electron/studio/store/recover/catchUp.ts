import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { plural } from '../../../base/format.ts';
import { backupOf } from '../backup.ts';
import { type Connection, sql } from '../connection.ts';
import { adopt, byAge, type RunColumns, runFolders, runsBehind } from './adopt.ts';
import { copyDatabase, countRecovered, describeCounts, isFile } from './recover.ts';
import { salvage } from './salvage.ts';

/**
 * Takes over what the folders of runs tell and the database does not: all of it where the database was lost, what is newer
 * where an older one was put back.
 * @param all also runs of which only checkpoints are left: a deletion that was cut short leaves such a folder, too
 * @returns what to tell people; null where nothing was behind
 */
export function catchUp(connection: Connection, all = false): string | null {
  const folders = runFolders(connection.home);
  if (folders.length === 0) return null;
  const lost = isEmpty(connection);
  const behind = lost
    ? folders
    : [...new Set([...runsBehind(connection), ...(all ? unknown(connection, folders) : [])])];
  if (behind.length === 0) return null;
  let counts = '';
  const names = connection.write(() => {
    // Another process may have been quicker.
    const anew = lost && isEmpty(connection);
    const records = anew ? fromBackup(connection, folders) : new Map<string, RunColumns>();
    const adopted = byAge(connection.home, behind).filter((id) =>
      adopt(connection, id, records.get(id) ?? rowOf(connection, id)),
    );
    if (anew && adopted.length > 0) {
      const { runs, metrics, steps } = countRecovered(connection);
      counts = describeCounts(runs, metrics, steps);
    }
    return adopted.map((id) => String(rowOf(connection, id)?.name ?? id));
  });
  if (names.length === 0) return null;
  if (counts !== '') return `The database ${connection.file} was missing or empty: ${counts}.`;
  const listed = names.slice(0, 5).join(', ') + (names.length > 5 ? ' and more' : '');
  const runs = names.length === 1 ? 'the run' : plural(names.length, 'run');
  return `The database ${connection.file} was behind the folders of runs: ${runs} ${listed} brought up to date from there.`;
}

const isEmpty = (connection: Connection): boolean =>
  connection.first(sql.selectFrom('runs').select('id').limit(1)) === undefined;

function unknown(connection: Connection, folders: readonly string[]): string[] {
  const known = new Set(connection.all(sql.selectFrom('runs').select('id')).map((row) => row.id));
  return folders.filter((id) => !known.has(id));
}

const rowOf = (connection: Connection, id: string): RunColumns | null => {
  const row = connection.first(sql.selectFrom('runs').selectAll().where('id', '=', id));
  return row ? { ...row } : null;
};

/** Metrics, samples and events of the backup; a run without a folder was deleted since. */
function fromBackup(connection: Connection, folders: readonly string[]): ReadonlyMap<string, RunColumns> {
  const backup = backupOf(connection.file);
  if (!isFile(backup)) return new Map();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-backup-'));
  try {
    const copy = path.join(dir, 'backup.db');
    copyDatabase(backup, copy);
    const { runs } = salvage(copy, undefined, connection);
    for (const id of runs.keys())
      if (!folders.includes(id)) connection.run(sql.deleteFrom('runs').where('id', '=', id));
    return runs;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}
