import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkpointDir, dbPath, runDir } from '../../../electron/studio/home.ts';
import { schemaVersion } from '../../../electron/studio/store/migrations.ts';
import { DamagedError } from '../../../electron/studio/store/errors.ts';
import { openStore, recoverStore } from '../../../electron/studio/store/store.ts';
import { tempDir } from '../../temp.ts';
import { addTrainedRun, everythingOf } from './fullHome.ts';
import { testStore, withDatabase } from './helpers.ts';

const backup = (home: string): string => `${dbPath(home)}.backup`;
const kept = (home: string): string[] => fs.readdirSync(home).filter((name) => name.includes('.damaged-'));

/** A home with two runs, closed. @returns their ids and what is known of them */
async function filled(steps = 1200) {
  const home = tempDir();
  const store = openStore(home);
  const ids = [await addTrainedRun(store, home, 'first', steps), await addTrainedRun(store, home, 'second@2', 60)];
  const before = ids.map((id) => everythingOf(store, id));
  store.close();
  return { home, ids, before };
}

/** Opens a home. @returns what is known of the runs then, and what was told */
function reopened(home: string, ids: readonly string[]) {
  const reported: string[] = [];
  const store = testStore(home, { report: (line) => reported.push(line) });
  return { store, reported, after: ids.map((id) => everythingOf(store, id)) };
}

/** All but metrics, samples and events, which a database alone has. */
const essence = ({ run, evals, phases, checkpoints }: ReturnType<typeof everythingOf>) => ({
  run,
  evals,
  phases,
  checkpoints,
});

const damages: readonly (readonly [string, (file: string) => void])[] = [
  ['overwritten in the middle', (file) => overwrite(file, 1 / 3, 8192)],
  ['garbage', (file) => fs.writeFileSync(file, Buffer.alloc(20_000, 'not a database '))],
  ['truncated', (file) => fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2))],
  ['cut within its header', (file) => fs.truncateSync(file, 50)],
  ['empty', (file) => fs.truncateSync(file, 0)],
  ['deleted', (file) => fs.rmSync(file)],
  ['with a garbage header', (file) => overwrite(file, 0, 100, 0x55)],
  ['without its first page', (file) => overwrite(file, 0, 4096)],
];

function overwrite(file: string, at: number, bytes: number, value = 0): void {
  const content = fs.readFileSync(file);
  const from = Math.floor(content.length * at);
  content.fill(value, from, from + bytes);
  fs.writeFileSync(file, content);
}

test.each(damages)('a database %s costs no run: they are recovered at once, and it says so', async (_, damage) => {
  const { home, ids, before } = await filled();
  fs.rmSync(backup(home));
  damage(dbPath(home));
  const gone = !fs.existsSync(dbPath(home)) || fs.statSync(dbPath(home)).size === 0;
  const content = gone ? undefined : fs.readFileSync(dbPath(home));
  const { store, reported, after } = reopened(home, ids);
  expect(reported).toHaveLength(1);
  expect(reported[0]).not.toContain('\n');
  expect(reported[0]).toMatch(gone ? /missing or empty: 2 runs recovered/ : /damaged: 2 runs recovered/);
  expect(after.map(essence)).toEqual(before.map(essence));
  expect(store.runs.list().map((r) => r.name)).toEqual(['second@2', 'first']);
  for (const [i, { metrics }] of after.entries()) {
    // Every row that is there is one that was measured.
    const known = new Map(before[i]!.metrics.map((m) => [m[0], m]));
    for (const row of metrics.slice(0, -1)) expect(row).toEqual(known.get(row[0]!));
    expect(metrics.at(-1)!.slice(0, 3)).toEqual(before[i]!.metrics.at(-1)!.slice(0, 3));
  }
  if (content) expect(kept(home).map((name) => fs.readFileSync(path.join(home, name)))).toEqual([content]);
  else expect(kept(home)).toEqual([]);
  expect(fs.readdirSync(home).filter((name) => name.includes('recovering'))).toEqual([]);
  store.close();
  expect(reopened(home, ids).reported).toEqual([]);
});

/** Where the pages begin that hold metrics, in the order of their keys. */
const metricsPages = (file: string): number[] =>
  withDatabase(file, (db) =>
    db.prepare("SELECT pgoffset FROM dbstat WHERE name = 'metrics' AND pagetype = 'leaf' ORDER BY path").pluck().all(),
  ) as number[];

test('metrics on both sides of damaged pages are read, and no row that never was', async () => {
  const { home, ids, before } = await filled(3000);
  fs.rmSync(backup(home));
  const file = dbPath(home);
  const pages = metricsPages(file);
  expect(pages.length).toBeGreaterThan(20);
  const content = fs.readFileSync(file);
  for (const share of [0.3, 0.35, 0.7]) {
    const at = pages[Math.floor(pages.length * share)]!;
    content.fill(0, at, at + 4096);
  }
  fs.writeFileSync(file, content);
  const reported = recoverStore(home);
  expect(reported).toEqual([
    expect.stringMatching(/damaged: 2 runs recovered, with the metrics of 2,[89]\d\d of 3,060 steps/),
  ]);
  const { after } = reopened(home, ids);
  expect(after.map(essence)).toEqual(before.map(essence));
  const known = new Map(before[0]!.metrics.map((m) => [m[0], m]));
  const { metrics } = after[0]!;
  expect(metrics.length).toBeGreaterThan(2800);
  for (const row of metrics) expect(row).toEqual(known.get(row[0]!));
  const steps = metrics.map((m) => m[0]!);
  // Three gaps, with rows before, between and behind them.
  expect(steps.filter((step, i) => i > 0 && step !== steps[i - 1]! + 1).length).toBeGreaterThan(1);
  expect(after[0]!.samples).toEqual(before[0]!.samples);
  expect(after[0]!.events).toEqual([...before[0]!.events, 'recovered']);
  expect(after[1]).toEqual(before[1]);
});

test('a backup taken when the database was closed brings back what only a database has', async () => {
  const { home, ids, before } = await filled();
  // Newer than the backup: another run, and another name.
  const store = openStore(home);
  const late = await addTrainedRun(store, home, 'late', 40);
  store.runs.update(ids[0]!, { name: 'renamed' });
  const [renamed, lateBefore] = [everythingOf(store, ids[0]!), everythingOf(store, late)];
  const saved = fs.readFileSync(backup(home));
  store.close();
  fs.writeFileSync(backup(home), saved);
  for (const damage of [
    (file: string) => fs.rmSync(file),
    (file: string) => fs.writeFileSync(file, 'x'.repeat(9000)),
  ]) {
    damage(dbPath(home));
    const again = reopened(home, [...ids, late]);
    expect(again.reported).toEqual([
      expect.stringMatching(/3 runs recovered, with the metrics of 1,261 of 1,300 steps/),
    ]);
    expect(again.after[0]).toEqual(renamed);
    expect(again.after[1]).toEqual(before[1]);
    expect(essence(again.after[2]!)).toEqual(essence(lateBefore));
    again.store.close();
    fs.writeFileSync(backup(home), saved);
  }
});

test('a damaged, foreign or newer backup is not taken', async () => {
  const { home, ids, before } = await filled(60);
  const good = fs.readFileSync(backup(home));
  const spoil: readonly ((file: string) => void)[] = [
    (file) => overwrite(file, 0.4, 8192),
    (file) => fs.writeFileSync(file, 'nothing'),
    (file) => withDatabase(file, (db) => db.pragma(`user_version = ${schemaVersion + 1}`)),
    (file) => withDatabase(file, (db) => db.pragma('application_id = 5')),
    (file) => {
      fs.rmSync(file);
      fs.mkdirSync(file);
    },
  ];
  for (const each of spoil) {
    fs.writeFileSync(backup(home), good);
    each(backup(home));
    fs.writeFileSync(dbPath(home), 'x'.repeat(9000));
    const { store, reported, after } = reopened(home, ids);
    expect(reported).toEqual([expect.stringMatching(/2 runs recovered/)]);
    expect(after.map(essence)).toEqual(before.map(essence));
    store.close();
  }
});

test('a backup is taken of what was changed, and not by those who only read', async () => {
  const { home, ids } = await filled(60);
  const { mtimeMs } = fs.statSync(backup(home));
  fs.utimesSync(backup(home), new Date(), new Date(mtimeMs - 3600_000));
  const old = fs.readFileSync(backup(home));
  openStore(home).close();
  expect(fs.readFileSync(backup(home)).equals(old)).toBe(true);
  const store = openStore(home);
  store.runs.update(ids[0]!, { name: 'changed' });
  store.close();
  const named = withDatabase(backup(home), (db) =>
    db.prepare('SELECT name FROM runs WHERE id = ?').pluck().get(ids[0]),
  );
  expect(named).toBe('changed');
  expect(fs.readdirSync(home).filter((name) => name.includes('partial'))).toEqual([]);
});

test('a damaged database is never copied over a sound backup', async () => {
  const { home, ids } = await filled(3000);
  fs.utimesSync(backup(home), new Date(), new Date(Date.now() - 3600_000));
  const sound = fs.readFileSync(backup(home));
  const [page] = metricsPages(dbPath(home)).slice(20);
  const content = fs.readFileSync(dbPath(home));
  content.fill(0, page, page! + 4096);
  fs.writeFileSync(dbPath(home), content);
  const { store, reported } = reopened(home, []);
  expect(reported).toEqual([]);
  store.runs.update(ids[0]!, { name: 'changed' });
  // Damage that shows later is one line, with what to do.
  expect(() => store.metrics.read(ids[0]!)).toThrow(DamagedError);
  expect(() => store.metrics.read(ids[0]!)).toThrow(/is damaged.*`trainyard runs --recover`/);
  store.close();
  expect(reported).toEqual([expect.stringMatching(/is damaged.*`trainyard runs --recover`/)]);
  expect(fs.readFileSync(backup(home)).equals(sound)).toBe(true);
  expect(recoverStore(home)).toEqual([
    expect.stringMatching(/2 runs recovered, with all metrics, also from its backup/),
  ]);
  expect(reopened(home, ids).after[0]!.run.name).toBe('changed');
});

test('a database that is older than the runs on disk is brought up to them', async () => {
  const { home, ids, before } = await filled(60);
  const old = fs.readFileSync(dbPath(home));
  const store = openStore(home);
  store.runs.update(ids[1]!, { notes: 'newer', tags: [] });
  const late = await addTrainedRun(store, home, 'late', 40);
  const [second, lateBefore] = [everythingOf(store, ids[1]!), everythingOf(store, late)];
  store.close();
  // Its file was changed by a moment: what was written more than that later counts.
  const soon = new Date(Date.now() + 60_000);
  for (const id of [ids[1]!, late]) fs.utimesSync(path.join(runDir(home, id), 'run.json'), soon, soon);
  fs.writeFileSync(dbPath(home), old);
  const { after, reported } = reopened(home, [...ids, late]);
  expect(reported).toEqual([expect.stringMatching(/was behind.*2 runs.*late/)]);
  expect(after[0]).toEqual(before[0]);
  expect(essence(after[1]!)).toEqual(essence(second));
  expect(essence(after[2]!)).toEqual(essence(lateBefore));
  expect(recoverStore(home)).toEqual([]);
});

test('runs of older versions, without a record of their own, are recovered from their checkpoints', async () => {
  const { home, ids, before } = await filled(60);
  for (const id of ids) fs.rmSync(path.join(runDir(home, id), 'run.json'));
  fs.writeFileSync(path.join(runDir(home, ids[1]!), 'run.json'), '{"format": 1, "run": {"id"');
  for (const suffix of ['', '.backup']) fs.rmSync(dbPath(home) + suffix);
  const { after } = reopened(home, ids);
  for (const [i, { run, checkpoints, evals, phases }] of after.entries()) {
    const { config, step, tokensSeen, stepsTotal, tokensTotal, bestValLoss, device } = before[i]!.run;
    expect(run).toMatchObject({ config, step, tokensSeen, stepsTotal, tokensTotal, bestValLoss, device });
    expect(run).toMatchObject({ name: 'stories', state: 'interrupted' });
    const known = (all: typeof checkpoints) => all.map((c) => [c.step, c.path, c.bytes, c.best]);
    expect(known(checkpoints)).toEqual(known(before[i]!.checkpoints));
    expect(evals.map((e) => [e.step, e.value])).toEqual(before[i]!.evals.map((e) => [e.step, e.value]));
    expect(phases.map((p) => [p.index, p.step])).toEqual(before[i]!.phases.map((p) => [p.index, p.step]));
  }
});

test('a damaged checkpoint is left out, and one that is pinned stays pinned', async () => {
  const { home, ids } = await filled(60);
  const [id] = ids;
  fs.writeFileSync(path.join(checkpointDir(home, id!, 30), 'kept'), '');
  fs.truncateSync(path.join(checkpointDir(home, id!, 60), 'model.safetensors'), 10);
  fs.rmSync(dbPath(home));
  const { store } = reopened(home, []);
  expect(store.checkpoints.list(id!).map((c) => [c.step, c.kept])).toEqual([[30, true]]);
  expect(fs.existsSync(checkpointDir(home, id!, 60))).toBe(true);
});

test('a run that was deleted does not come back', async () => {
  const { home, ids } = await filled(60);
  const store = openStore(home);
  store.runs.delete(ids[0]!);
  store.close();
  // The backup still has it.
  fs.rmSync(runDir(home, ids[0]!), { recursive: true });
  fs.writeFileSync(dbPath(home), 'x'.repeat(9000));
  expect(
    reopened(home, [])
      .store.runs.list()
      .map((r) => r.id),
  ).toEqual([ids[1]]);
});

test('what is left of a deletion that was cut short is not taken for a run, unless that is asked for', async () => {
  const { home, ids } = await filled(60);
  const store = openStore(home);
  store.runs.delete(ids[0]!);
  store.close();
  const again = reopened(home, []);
  expect(again.reported).toEqual([]);
  expect(again.store.runs.list().map((r) => r.id)).toEqual([ids[1]]);
  again.store.close();
  expect(recoverStore(home)).toEqual([expect.stringMatching(/stories/)]);
  expect(reopened(home, []).store.runs.list()).toHaveLength(2);
});

test("a run's record follows its changes, and runs without one get it", async () => {
  const { home, ids } = await filled(60);
  const record = path.join(runDir(home, ids[0]!), 'run.json');
  fs.rmSync(record);
  openStore(home).close();
  const read = () =>
    JSON.parse(fs.readFileSync(record, 'utf8')) as { run: Record<string, unknown>; checkpoints: unknown[] };
  expect(read().run).toMatchObject({ name: 'first', tags: ['kept', 'ü'], state: 'paused', step: 60 });
  const store = openStore(home);
  store.runs.update(ids[0]!, { name: 'other', notes: '' });
  store.checkpoints.remove(ids[0]!, 30);
  store.evals.add(ids[0]!, 60, 'validation', Number.NaN);
  store.close();
  expect(read()).toMatchObject({
    run: { name: 'other', notes: '' },
    evals: [{ step: 30 }, { step: 60, value: 'NaN' }],
  });
  expect(read().checkpoints).toHaveLength(1);
});

test('a database that another process has open is not set aside under it', async () => {
  const { home } = await filled(60);
  const other = testStore(home);
  const content = fs.readFileSync(dbPath(home));
  content.fill(0xee, 2 * 4096, 12 * 4096);
  fs.writeFileSync(dbPath(home), content);
  expect(() => openStore(home)).toThrow(/another process has it open.*runs --recover/);
  expect(kept(home)).toEqual([]);
  other.close();
});

test('a newer database that is damaged stays as it is', async () => {
  const { home } = await filled(60);
  withDatabase(dbPath(home), (db) => db.pragma(`user_version = ${schemaVersion + 1}`));
  overwrite(dbPath(home), 0.1, 60_000);
  const content = fs.readFileSync(dbPath(home));
  expect(() => openStore(home)).toThrow(/newer Trainyard/);
  expect(fs.readFileSync(dbPath(home)).equals(content)).toBe(true);
});

test('a record that no longer is what it was is one line, and comes back from its folder', async () => {
  const { home, ids, before } = await filled(60);
  fs.rmSync(backup(home));
  withDatabase(dbPath(home), (db) => {
    db.prepare('UPDATE runs SET config = substr(config, 5), notes = ? WHERE id = ?').run('\u0001?', ids[0]);
    db.prepare("UPDATE evals SET data = 'x' WHERE step = 30").run();
    db.prepare('UPDATE metrics SET stepMs = -1e200 WHERE step = 7').run();
    db.prepare('UPDATE metrics SET gpuUtilization = 1.5 WHERE step = 8').run();
    db.prepare('UPDATE metrics SET gpuUtilization = 1, gpuTemperature = -3 WHERE step = 9').run();
  });
  const store = testStore(home);
  expect(() => store.runs.list()).toThrow(DamagedError);
  expect(() => store.runs.list()).toThrow(/run .* is damaged.*`trainyard runs --recover`/);
  expect(() => store.evals.list(ids[0]!)).toThrow(DamagedError);
  store.close();
  expect(recoverStore(home)).toEqual([expect.stringMatching(/2 runs recovered/)]);
  const { after } = reopened(home, ids);
  expect(after.map(essence)).toEqual(before.map(essence));
  expect(after[1]!.metrics).toHaveLength(58);
});

test('whatever is overwritten, no run is lost and nothing is shown that was not recorded', async () => {
  const { home: origin, ids, before } = await filled(1500);
  const sound = fs.readFileSync(dbPath(origin));
  let state = 99;
  // A small generator (Park and Miller): the same damage every time.
  const draw = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  for (let n = 0; n < 6; n++) {
    const home = path.join(tempDir(), 'home');
    fs.cpSync(path.join(origin, 'runs'), path.join(home, 'runs'), { recursive: true });
    const content = Buffer.from(sound);
    for (let spot = 0; spot < 4; spot++) {
      const at = 4096 * draw(content.length / 4096) + draw(3000);
      for (let i = at; i < Math.min(content.length, at + 5000); i++) content[i] = n % 2 === 0 ? draw(256) : 0;
    }
    fs.writeFileSync(dbPath(home), content);
    recoverStore(home);
    const { after } = reopened(home, ids);
    const known = (all: typeof after) =>
      all.map(({ run, evals, phases, checkpoints }) => {
        return { run, evals, phases, steps: checkpoints.map((c) => [c.step, c.best, c.machine]) };
      });
    expect(known(after), `damage ${n}`).toEqual(known(before));
    for (const [i, { metrics }] of after.entries()) {
      const rows = new Map(before[i]!.metrics.map((m) => [m[0], m]));
      for (const row of metrics.slice(0, -1)) expect(row, `damage ${n}`).toEqual(rows.get(row[0]!));
    }
  }
});
