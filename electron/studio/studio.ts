import path from 'node:path';
import { lookForTokenizersIn, tokenizersDir } from '../data/tokenizers/index.ts';
import { Checkpoints } from './checkpoints.ts';
import { Datasets } from './datasets.ts';
import { canWrite } from './home.ts';
import { Jobs } from './jobs/jobs.ts';
import { Models } from './models.ts';
import { describePlan } from './planning/describe.ts';
import { Planner } from './planning/planner.ts';
import { forkEngine, type SpawnEngine } from './run/engine.ts';
import { markInterrupted } from './run/unheard.ts';
import { Runs } from './runs.ts';
import { DamagedError, openStore, openToRead, recoverStore, type Store } from './store/index.ts';
import { Ticker } from './ticker.ts';
import { Time } from './time/time.ts';
import { Training } from './training.ts';

const warn = (line: string): void => console.error(`trainyard: ${line}`);

/** What a process has of a home: its store, and a class for each thing that people do there. */
export class Studio {
  readonly home: string;
  readonly store: Store;
  /** Whether what is found out is stored: not where the home can only be read. */
  readonly keeps: boolean;
  /** What answers whether something fits. */
  readonly planner = new Planner();
  readonly runs: Runs;
  readonly training: Training;
  readonly checkpoints: Checkpoints;
  readonly models: Models;
  readonly datasets: Datasets;
  readonly time: Time;
  /** Work that takes longer than a moment. */
  readonly jobs: Jobs;
  /** Tells that something has changed. */
  readonly ticker: Ticker;
  /** How processes are started that train, or do work that would hold this one up. */
  readonly spawn: SpawnEngine;

  private constructor(home: string, store: Store, spawn: SpawnEngine, keeps = true) {
    this.home = home;
    this.store = store;
    this.keeps = keeps;
    this.spawn = spawn;
    this.ticker = new Ticker(() => (store.isOpen ? store.version() : ''));
    this.runs = new Runs(this);
    this.training = new Training(this);
    this.checkpoints = new Checkpoints(this);
    this.models = new Models(this);
    this.datasets = new Datasets(this);
    this.time = new Time(this);
    this.jobs = new Jobs(this);
    this.recordPlans();
  }

  /**
   * Opens the studio's home; runs whose process is gone are marked interrupted.
   * @param spawn how engine processes are started
   * @param report is given what was wrong with the database, and what came of it
   */
  static open(home: string, spawn: SpawnEngine = forkEngine, report: (line: string) => void = warn): Studio {
    const dir = path.resolve(home);
    lookForTokenizersIn(tokenizersDir(dir));
    let store = openStore(dir, { report });
    try {
      markInterrupted(store);
    } catch (error) {
      store.close();
      if (!(error instanceof DamagedError)) throw error;
      recoverStore(dir).forEach(report);
      store = openStore(dir, { report });
      markInterrupted(store);
    }
    return new Studio(dir, store, spawn);
  }

  /** Opens a studio to read: as `open` does where the home can be written, else on a copy of its database. */
  static look(home: string, spawn: SpawnEngine = forkEngine, report: (line: string) => void = warn): Studio {
    const dir = path.resolve(home);
    return canWrite(dir) ? Studio.open(dir, spawn, report) : new Studio(dir, openToRead(dir, report), spawn, false);
  }

  /** Has plans that take long be jobs. @param afterMs how long an answer may take until it is one */
  recordPlans(afterMs?: number): void {
    this.planner.recordLong(({ kind, input, controller, answer }) => {
      const described = { title: describePlan(kind, input) };
      const work = async (): Promise<void> => void (await answer);
      void this.jobs
        .record({ kind: 'plan', input: { question: kind }, described, passes: true }, controller, work)
        .catch(() => {});
    }, afterMs);
  }

  /** Pauses all that trains here, waits until it is saved, and closes. */
  async shutdown(): Promise<void> {
    await Promise.all([this.jobs.shutdown(), this.training.pauseAll()]);
    this.close();
  }

  close(): void {
    this.ticker.close();
    this.planner.close();
    this.store.close();
  }
}
