import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { phaseSchema } from '../../engine/run/config.ts';
import { lowBitStates } from '../../engine/optimizers/index.ts';
import { trainInput } from '../../studio/jobs/inputs.ts';
import { answers, deviceChoice, nothing, procedure, runId } from './base.ts';
import type { BulkResult, DataRead, Points, RunDetails, RunsUpdate, RunUpdate, RunView, Series } from '../types.ts';

/** In steps or in tokens: exactly one of them. */
const phaseLength = z.union([
  z.strictObject({ steps: z.int().min(1).max(1e9) }),
  z.strictObject({ tokens: z.int().min(1) }),
]);
const byId = z.strictObject({ id: runId });
const tag = z.string().min(1).max(50);
const ids = z.array(runId).min(1).max(10_000);
const phaseChange = byId.extend({
  started: z.int().min(0),
  later: z.array(phaseSchema).max(1000),
  current: phaseLength.optional(),
});

/** Tags that a run may have. */
export const maxTags = 50;

interface ResumedView {
  readonly step: number;
  /** Why damaged checkpoints were passed over. */
  readonly refused: readonly string[];
  readonly notice: string | null;
}

/** Runs: what there is, what it does, and what it may be told to do. */
export const runs = {
  list: procedure.input(z.strictObject({ archived: z.boolean().default(false) })).output(answers<RunView[]>()),

  /** What changed in that list: first all of it, then what is new. */
  watchList: procedure
    .input(z.strictObject({ archived: z.boolean().default(false) }))
    .output(eventIterator(answers<RunsUpdate>())),

  get: procedure.input(byId).output(answers<RunDetails>()),

  /**
   * What is new of a run after a step and an event, and again whenever something is: as much at a time as there is when
   * the listener has taken what came before.
   */
  watch: procedure
    .input(z.strictObject({ id: runId, afterStep: z.int().min(-1), afterEvent: z.int().min(0) }))
    .output(eventIterator(answers<RunUpdate>())),

  /** Measures for charts, decimated with minima and maxima kept. */
  series: procedure
    .input(
      z.strictObject({
        id: runId,
        fromStep: z.int().min(0).optional(),
        toStep: z.int().min(0).optional(),
        points: z.int().min(10).max(5000).default(1000),
      }),
    )
    .output(answers<Series>()),

  /** The train losses of some runs by their ids, in a few dozen points each: for lists. Runs that are there no more are left out. */
  curves: procedure
    .input(z.strictObject({ ids: z.array(runId).min(1).max(200) }))
    .output(answers<Record<string, Points>>()),

  /**
   * Trains a config that was drafted: now, or when its turn comes; without a word now where its device is free.
   * @returns the run's id, and whether it is queued
   */
  create: procedure
    .input(
      z.strictObject({
        config: z.record(z.string(), z.unknown()),
        name: z.string().max(200),
        preset: z.string().nullable(),
        start: z.enum(['now', 'queue']).optional(),
        /** Of a request that is repeated where its answer was lost: it makes one run. */
        requestKey: z.string().min(1).max(100).optional(),
      }),
    )
    .output(answers<{ id: string; queued: boolean }>()),
  /** What is to train on the dataset that a job makes, once it is made; null: nothing. `standIn` is its name in the config. False: it is made already. */
  createAfter: procedure
    .input(
      z.strictObject({
        job: z.int().min(1),
        train: z
          .strictObject({
            config: z.record(z.string(), z.unknown()),
            name: z.string().max(200),
            preset: z.string().nullable(),
            standIn: z.string().min(1).max(300),
          })
          .nullable(),
      }),
    )
    .output(answers<boolean>()),
  /** Trains a first model on made-up stories. */
  trainOnStories: procedure.output(answers<{ id: string; queued: boolean } | { job: number }>()),
  /** Puts a run at rest into the queue, to go on when its turn comes. */
  enqueue: procedure.input(trainInput).output(nothing),

  /** Saves it after its step, to be resumed later; a queued one leaves the queue. */
  pause: procedure.input(byId).output(nothing),
  /** Ends it early, for good: see `RunHandle.stop`, and `Studio.sendOrder` of one that does not train. */
  stop: procedure.input(byId).output(nothing),
  /** `device`, `lowBitStates`: others than the run's, from here on. */
  resume: procedure
    .input(byId.extend({ device: deviceChoice.optional(), lowBitStates: z.enum(lowBitStates).optional() }))
    .output(answers<ResumedView>()),
  /** Between two steps. */
  request: procedure.input(byId.extend({ what: z.enum(['checkpoint', 'evaluate', 'sample']) })).output(nothing),
  /** Which data fed which steps. */
  data: procedure.input(byId).output(answers<DataRead[]>()),
  /** `current`: another length of the phase that began last. */
  changePhases: procedure.input(phaseChange).output(nothing),
  /** Trains what was left of the phases of a run that was stopped early. `device`: another than the run's, from here on. */
  finish: procedure.input(byId.extend({ device: deviceChoice.optional() })).output(answers<ResumedView>()),
  /** Changes the phases and goes on, or does neither. @returns null where the run trained already, and takes them along */
  continue: procedure
    .input(phaseChange.extend({ device: deviceChoice.optional() }))
    .output(answers<ResumedView | null>()),

  edit: procedure
    .input(
      byId.extend({
        name: z.string().min(1).max(200).optional(),
        notes: z.string().max(100_000).optional(),
        tags: z.array(tag).max(maxTags).optional(),
        archived: z.boolean().optional(),
      }),
    )
    .output(nothing),
  /** Does one thing to many runs: to each that it can be done to, and says of the others why not. */
  bulk: procedure
    .input(
      z.discriminatedUnion('act', [
        z.strictObject({ act: z.enum(['archive', 'unarchive', 'remove', 'pause', 'stop']), ids }),
        z.strictObject({
          act: z.literal('tag'),
          ids,
          add: z.array(tag).max(maxTags).default([]),
          remove: z.array(tag).max(1000).default([]),
        }),
      ]),
    )
    .output(answers<BulkResult>()),
  /** Deletes an archived run with its checkpoints. */
  remove: procedure.input(byId).output(nothing),
  removeCheckpoint: procedure.input(byId.extend({ step: z.int().min(0) })).output(nothing),
  /** Where the system shows files; only in the desktop window. */
  showCheckpoint: procedure.input(byId.extend({ step: z.int().min(0) })).output(nothing),
  keepCheckpoint: procedure.input(byId.extend({ step: z.int().min(0), kept: z.boolean() })).output(nothing),
};
