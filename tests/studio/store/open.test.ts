import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { UserError } from '../../../electron/base/errors.ts';
import { dbPath } from '../../../electron/studio/home.ts';
import { schemaVersion } from '../../../electron/studio/store/migrations.ts';
import { openConnection } from '../../../electron/studio/store/open.ts';
import { openStore } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { newRun, testStore, withDatabase } from './helpers.ts';

test('makes a database from nothing, and opening it again changes nothing', () => {
  const home = path.join(tempDir(), 'not', 'there', 'yet');
  const store = openStore(home);
  const { id } = newRun(store);
  store.close();
  const schema = () => withDatabase(dbPath(home), (db) => db.prepare('SELECT sql FROM sqlite_schema').all());
  const before = schema();
  const again = testStore(home);
  expect(again.runs.get(id).config).toEqual({ seed: 1 });
  expect(schema()).toEqual(before);
  expect(withDatabase(dbPath(home), (db) => db.pragma('user_version', { simple: true }))).toBe(schemaVersion);
  expect(withDatabase(dbPath(home), (db) => db.pragma('journal_mode', { simple: true }))).toBe('wal');
});

test('a migration that fails leaves nothing behind', () => {
  const file = dbPath(tempDir());
  // A table that the migration also wants, in a file that says it is Trainyard's.
  withDatabase(file, (db) => db.exec('PRAGMA application_id = 0x54525944; CREATE TABLE events (x)'));
  expect(() => openConnection(file)).toThrow(/events/);
  const tables = withDatabase(file, (db) => db.prepare('SELECT name FROM sqlite_schema').pluck().all());
  expect(tables).toEqual(['events']);
});

test("refuses a newer program's database and leaves it as it is", () => {
  const home = tempDir();
  openStore(home).close();
  withDatabase(dbPath(home), (db) => db.pragma(`user_version = ${schemaVersion + 1}`));
  expect(() => openStore(home)).toThrow(UserError);
  expect(() => openStore(home)).toThrow(/newer Trainyard.*update/);
  expect(fs.readdirSync(home)).toEqual(['trainyard.db']);
});

test("refuses another program's database", () => {
  const home = tempDir();
  withDatabase(dbPath(home), (db) => db.exec('CREATE TABLE photos (x)'));
  expect(() => openStore(home)).toThrow(/another program's/);
});

test('keeps a damaged database, says where, and begins anew where there are no runs', () => {
  const home = tempDir();
  const garbage = Buffer.alloc(20_000, 'not a database ');
  fs.writeFileSync(dbPath(home), garbage);
  const reported: string[] = [];
  openStore(home, { report: (line) => reported.push(line) }).close();
  expect(reported).toHaveLength(1);
  const kept = /was damaged: no run was found\. The damaged file is kept as (.*)\.$/.exec(reported[0]!)?.[1];
  expect(fs.readFileSync(kept!)).toEqual(garbage);
  expect(testStore(home).runs.list()).toEqual([]);
  expect(fs.readFileSync(kept!)).toEqual(garbage);
});

test('finds a damaged table behind a sound header', () => {
  const home = tempDir();
  openStore(home).close();
  const file = dbPath(home);
  const bytes = fs.readFileSync(file);
  bytes.fill(0xee, 4096, 5 * 4096);
  fs.writeFileSync(file, bytes);
  expect(() => openStore(home, { readonly: true })).toThrow(/damaged/);
  expect(fs.readFileSync(file)).toEqual(bytes);
  const reported: string[] = [];
  testStore(home, { report: (line) => reported.push(line) });
  expect(reported).toEqual([expect.stringMatching(/was damaged.*kept as/)]);
});

test('a store opened read-only shows what is there and refuses to write', () => {
  const home = tempDir();
  expect(() => openStore(home, { readonly: true })).toThrow(/no database/);
  const { id } = newRun(testStore(home));
  const reader = testStore(home, { readonly: true });
  expect(reader.runs.get(id).name).toBe('test');
  expect(() => reader.runs.setState(id, 'training')).toThrow(UserError);
  expect(() => reader.runs.setState(id, 'training')).toThrow(/trainyard\.db.*read-only/);
});

test('a lock that is not given up and a full disk are reported with the name of the file', () => {
  const home = tempDir();
  const store = testStore(home, { busyTimeoutMs: 20 });
  const { id } = newRun(store);
  const other = new Database(dbPath(home));
  other.exec('BEGIN IMMEDIATE');
  expect(() => store.runs.setState(id, 'training')).toThrow(/trainyard\.db.*locked/);
  other.exec('ROLLBACK');
  other.close();
  store.runs.setState(id, 'training');

  const connection = openConnection(dbPath(tempDir()));
  connection.prepare('PRAGMA max_page_count = 1').get();
  const fill = connection.prepare('INSERT INTO datasets VALUES (?, ?, ?, 1, 1, 1, 1, ?)');
  const insertMuch = () => connection.write(() => fill.run('a', 'b', 'c', 'x'.repeat(1e6)));
  expect(insertMuch).toThrow(UserError);
  expect(insertMuch).toThrow(/trainyard\.db.*disk is full/);
  expect(connection.prepare('SELECT count(*) AS n FROM datasets').get()).toEqual({ n: 0 });
  connection.close();
});

test('a home that is a file is reported', () => {
  const home = path.join(tempDir(), 'home');
  fs.writeFileSync(home, '');
  expect(() => openStore(home)).toThrow(UserError);
});
