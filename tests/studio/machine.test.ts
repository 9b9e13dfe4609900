import { getShortestPaths } from '@xstate/graph';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import {
  type EngineOrder,
  freshMemory,
  type MachineEvent,
  memoryOf,
  runMachine,
  stateName,
  storedState,
} from '../../electron/studio/run/machine.ts';
import { runStates } from '../../electron/studio/store/index.ts';

// That it is told things after its end, which it takes no notice of, is what some tests are about.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));
afterEach(() => void vi.restoreAllMocks());

const memory = {
  plannedBytes: 1,
  allocatedBytes: 1,
  overheadBytes: 0,
  hostBytes: 0,
  reservedBytes: 0,
  moduleReserveBytes: 0,
  device: 'cpu',
  roleBytes: {},
} as const;
const exit = (code: number | null, signal: NodeJS.Signals | null = null): MachineEvent => ({
  type: 'exit',
  exit: { code, signal },
});
const ended = (state: 'completed' | 'paused' | 'failed', step = 9): MachineEvent => ({
  type: 'ended',
  outcome: { state, step, stepsTotal: 9, message: state },
});

/** Everything that can happen to a run. */
const events: MachineEvent[] = [
  { type: 'started', step: 0, device: 'cpu', memory },
  { type: 'phase', step: 0, index: 0, kind: 'warmup' },
  { type: 'phase', step: 3, index: 1, kind: 'cosine' },
  { type: 'phase', step: 6, index: 2, kind: 'constant' },
  { type: 'batch', step: 6, from: 2, to: 1, memory },
  { type: 'phases', step: 2, request: 1, phases: [] },
  { type: 'phasesRefused', step: 2, request: 1, reason: 'no such dataset' },
  ...(
    [
      'preparing',
      'waiting',
      'training',
      'evaluating',
      'sampling',
      'checkpointing',
      'switchingOptimizer',
      'recovering',
    ] as const
  ).map((activity): MachineEvent => ({ type: 'activity', step: 1, activity })),
  { type: 'skip', step: 2, loss: 1, skipped: 1, lossScale: 1 },
  { type: 'recovery', step: 5, to: 3, reason: 'spike', recoveries: 1 },
  ended('completed'),
  ended('completed', 4),
  ended('paused', 4),
  ended('failed'),
  { type: 'error', message: 'no dataset' },
  { type: 'unrecorded', message: 'disk full' },
  exit(0),
  exit(null, 'SIGKILL'),
  { type: 'pause' },
  { type: 'stop' },
  { type: 'kill' },
];

/** A machine whose engine does nothing, and the orders that it was given. */
function started(input = {}) {
  const orders: EngineOrder[] = [];
  const machine = runMachine.provide({
    actors: { engine: fromCallback(() => {}) },
    actions: { order: (_, order) => orders.push(order) },
  });
  const actor = createActor(machine, { input });
  actor.start();
  return { actor, orders, machine };
}

/** The state after some events. */
function after(...some: MachineEvent[]) {
  const { actor, orders } = started();
  for (const event of some) actor.send(event);
  const snapshot = actor.getSnapshot();
  return { name: stateName(snapshot), stored: storedState(snapshot), end: snapshot.context.end, orders, snapshot };
}

const [start, warmup, cosine] = events as [MachineEvent, MachineEvent, MachineEvent];

describe('the machine of a run', () => {
  it('shows what is done, and the phase that is trained', () => {
    expect(after().name).toBe('preparing');
    expect(after(start).name).toBe('training');
    expect(after(start, warmup).name).toBe('training.warmup');
    expect(after(start, warmup, cosine).name).toBe('training.cosine');
    for (const activity of [
      'waiting',
      'evaluating',
      'sampling',
      'checkpointing',
      'switchingOptimizer',
      'recovering',
    ] as const) {
      const during = [start, warmup, { type: 'activity', step: 1, activity } as const];
      expect(after(...during).name).toBe(activity);
      expect(after(...during).stored).toBe('training');
      expect(after(...during, { type: 'activity', step: 1, activity: 'training' }).name).toBe('training.warmup');
    }
  });

  it('rests as the engine says, or as it ended', () => {
    expect(after(start, ended('completed'), exit(0))).toMatchObject({ name: 'completed', end: { resumable: false } });
    expect(after(start, ended('completed'), exit(0)).end).not.toHaveProperty('early');
    // Also where a signal has reached the engine alone.
    for (const asked of [[], [{ type: 'pause' } as const]])
      expect(after(start, ...asked, ended('paused', 4), exit(0))).toMatchObject({
        name: 'paused',
        end: { state: 'paused', resumable: true },
      });
    expect(after(start, ended('failed'), exit(0))).toMatchObject({ name: 'failed', end: { resumable: false } });
    expect(after({ type: 'error', message: 'no dataset' }, exit(1))).toMatchObject({
      name: 'failed',
      end: { message: 'no dataset' },
    });
    expect(after(start, exit(null, 'SIGKILL'))).toMatchObject({
      name: 'interrupted',
      end: { message: expect.stringMatching(/SIGKILL/), resumable: true },
    });
  });

  it('is complete early where it is stopped, also where it was paused by then', () => {
    const early = { name: 'completed', end: { state: 'completed', resumable: false, early: true } };
    const [pause, stop] = [{ type: 'pause' } as const, { type: 'stop' } as const];
    expect(after(start, stop, ended('completed', 4), exit(0))).toMatchObject(early);
    for (const late of [
      [pause, stop, ended('paused', 4)],
      [pause, ended('paused', 4), stop],
      [ended('paused', 4), stop],
    ])
      expect(after(start, ...late, exit(0))).toMatchObject({
        ...early,
        end: { message: 'stopped early at step 4 of 9' },
      });
    // Its last step was the last one anyway.
    expect(after(start, stop, ended('completed'), exit(0)).end).not.toHaveProperty('early');
  });

  it('is no less failed or crashed for having been told to stop', () => {
    const stop = { type: 'stop' } as const;
    expect(after(start, stop, ended('failed', 4), exit(0))).toMatchObject({
      name: 'failed',
      end: { resumable: false },
    });
    const lost: MachineEvent = { type: 'error', message: 'the GPU is lost' };
    expect(after(start, stop, lost, exit(1))).toMatchObject({
      name: 'failed',
      end: { message: 'the GPU is lost', resumable: true },
    });
    expect(after(start, stop, exit(null, 'SIGKILL'))).toMatchObject({ name: 'interrupted', end: { resumable: true } });
    expect(after(start, stop, { type: 'kill' }, exit(null, 'SIGKILL'))).toMatchObject({ name: 'interrupted' });
  });

  it('orders the engine to stop once, to finish, and to die when it can not be recorded', () => {
    expect(after(start, { type: 'pause' }, { type: 'pause' }).orders).toEqual([{ type: 'stop' }]);
    expect(after(start, { type: 'pause' }, { type: 'stop' })).toMatchObject({
      name: 'stopping',
      orders: [{ type: 'stop' }, { type: 'finish' }],
    });
    // Who asks again, or closes the studio, does not wait for evaluations.
    for (const type of ['stop', 'pause'] as const)
      expect(after(start, { type: 'stop' }, { type })).toMatchObject({
        name: 'stopping',
        orders: [{ type: 'finish' }, { type: 'stop' }],
      });
    expect(after(start, { type: 'unrecorded', message: 'disk full' })).toMatchObject({ orders: [{ type: 'kill' }] });
    expect(after(start, { type: 'kill' }, exit(null, 'SIGKILL'))).toMatchObject({
      name: 'interrupted',
      orders: [{ type: 'kill' }],
      end: { message: expect.stringMatching(/^ended immediately/) },
    });
  });

  it('restores what it remembered', () => {
    const { snapshot } = after(start, warmup, cosine, { type: 'skip', step: 4, loss: 1, skipped: 2, lossScale: 1 });
    const remembered = memoryOf(snapshot);
    expect(remembered).toEqual({ ...freshMemory, step: 3, phase: { index: 1, kind: 'cosine' }, skipped: 2 });
    const { actor } = started(JSON.parse(JSON.stringify(remembered)));
    expect(stateName(actor.getSnapshot())).toBe('preparing');
    actor.send(start);
    expect(stateName(actor.getSnapshot())).toBe('training.cosine');
  });

  it('reaches every state, and from every state it comes to rest', () => {
    const { machine } = started();
    const paths = getShortestPaths(machine, {
      events,
      // Numbers that are remembered make no other states.
      serializeState: ({ value, context }) => JSON.stringify([value, context.phase?.kind, context.end?.state]),
    });
    const reached = new Set(paths.map((p) => stateName(p.state as ReturnType<typeof after>['snapshot'])));
    const doing = [
      'waiting',
      'evaluating',
      'sampling',
      'checkpointing',
      'switchingOptimizer',
      'recovering',
      'preparing',
      'training',
    ];
    const training = ['warmup', 'cosine', 'constant'].map((kind) => `training.${kind}`);
    const rests = ['completed', 'failed', 'interrupted', 'paused'];
    for (const state of [...doing, ...training, 'pausing', 'stopping', ...rests])
      expect([...reached], state).toContain(state);
    for (const { steps, state } of paths) {
      if (state.status === 'done') continue;
      const walked = steps.map((s) => s.event).filter((e) => (e.type as string) !== 'xstate.init') as MachineEvent[];
      expect(rests).toContain(after(...walked, exit(0)).name);
    }
  });

  it('whatever happens in whatever order: one known state, at rest only after the engine is gone, with a reason', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 25 }), (some) => {
        const { stored, end, snapshot } = after(...some);
        expect(runStates).toContain(stored);
        const gone = some.some((e) => e.type === 'exit');
        expect(snapshot.status === 'done').toBe(gone);
        if (gone) expect(end!.message.length).toBeGreaterThan(0);
        if (gone) expect(end!.state).toBe(stored);
        if (gone) expect(end!.resumable && stored === 'completed').toBe(false);
        if (end?.early) expect(stored === 'completed' || !gone).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
