import { and, assign, type EventObject, fromCallback, setup, type SnapshotFrom, stateIn } from 'xstate';
import type { ToEngine } from '../../engine/process/messages.ts';
import type { Outcome, RunEvent } from '../../engine/run/events.ts';
import type { RunState } from '../store/index.ts';
import { earlyMessage } from '../../base/states.ts';
import type { FailureCause } from '../../base/errors.ts';
import type { EngineExit } from './engine.ts';

/** How a run came to rest, the studio's view: an engine that died without a word leaves it interrupted. */
export interface RunEnd {
  readonly state: Outcome['state'] | 'interrupted';
  readonly message: string;
  /** Whether resuming goes on from the last checkpoint: not when all is done, nor when it would only fail again. */
  readonly resumable: boolean;
  /** Its user has ended it at once. */
  readonly asked?: true;
  /** It is complete before its phases have ended: its user has stopped it. */
  readonly early?: true;
  /** Why it failed, where it is known what helps. */
  readonly failure?: FailureCause;
}

/** What a run remembers: stored with every checkpoint, and restored when it is resumed. */
export interface RunMemory {
  readonly step: number;
  /** Index and kind of the phase that is trained. */
  readonly phase: { readonly index: number; readonly kind: PhaseKind } | null;
  readonly skipped: number;
  readonly recoveries: number;
}

export const freshMemory: RunMemory = { step: 0, phase: null, skipped: 0, recoveries: 0 };

export type PhaseKind = 'warmup' | 'cosine' | 'constant';

interface Context extends RunMemory {
  /** What the engine said last about its end. */
  readonly end: RunEnd | null;
  /** How its engine came to rest. */
  readonly outcome: Outcome | null;
}

/** What the user asks for: to go on later, to finish early, or to end at once. */
export type Command = { readonly type: 'pause' } | { readonly type: 'stop' } | { readonly type: 'kill' };

/** What the engine process tells the machine, its own end included. */
export type EngineEvent =
  | RunEvent
  | { readonly type: 'error'; readonly message: string; readonly failure?: FailureCause }
  /** The engine can't be listened to any more: what it says could not be recorded. */
  | { readonly type: 'unrecorded'; readonly message: string }
  | { readonly type: 'exit'; readonly exit: EngineExit };

export type MachineEvent = Command | EngineEvent;

/** What the machine tells the engine process. */
export type EngineOrder = Extract<ToEngine, { readonly type: 'stop' | 'finish' }> | { readonly type: 'kill' };

const phaseIs =
  (kind: PhaseKind) =>
  ({ context }: { context: Context }): boolean =>
    context.phase?.kind === kind;

function endOf({ state, step, stepsTotal, message }: Outcome): RunEnd {
  return {
    ...{ state, message, resumable: state === 'paused' },
    ...(state === 'completed' && step < stepsTotal ? { early: true } : {}),
    // What the trainer itself calls failed would happen again at the same step.
    ...(state === 'failed' ? { failure: 'diverged' as const } : {}),
  };
}

/** Of a run that was saved to go on later, and is not to. */
const earlyEnd = ({ step, stepsTotal }: Outcome): RunEnd => ({
  ...{ state: 'completed', message: earlyMessage(step, stepsTotal), resumable: false, early: true },
});

/**
 * The only state of a run from its start to its rest. The engine process is the actor `engine`: what it says drives the
 * machine, and what the user asks for is passed on to it. In `active` two things hold side by side: what is being done,
 * and what the user wants.
 */
export const runMachine = setup({
  types: {
    context: {} as Context,
    events: {} as MachineEvent,
    input: {} as Partial<RunMemory>,
  },
  actors: {
    engine: fromCallback<EventObject>(() => {
      throw new Error('the machine needs an engine');
    }),
  },
  actions: {
    order: (_, _order: EngineOrder) => {
      throw new Error('the machine needs an engine to order');
    },
  },
  guards: {
    warmup: phaseIs('warmup'),
    cosine: phaseIs('cosine'),
    constant: phaseIs('constant'),
    failed: ({ context }) => context.end?.state === 'failed',
    completed: ({ context }) => context.end?.state === 'completed',
    paused: ({ context }) => context.end?.state === 'paused',
  },
}).createMachine({
  id: 'run',
  context: ({ input }) => ({ ...freshMemory, ...input, end: null, outcome: null }),
  initial: 'active',
  states: {
    active: {
      type: 'parallel',
      invoke: { id: 'engine', src: 'engine' },
      on: {
        metrics: { actions: assign({ step: ({ event }) => event.step }) },
        skip: { actions: assign({ skipped: ({ event }) => event.skipped }) },
        recovery: { actions: assign({ recoveries: ({ event }) => event.recoveries, step: ({ event }) => event.to }) },
        ended: {
          actions: assign({ end: ({ event }) => endOf(event.outcome), outcome: ({ event }) => event.outcome }),
        },
        error: {
          actions: assign({
            end: ({ event: { message, failure } }) => ({
              ...{ state: 'failed' as const, message, resumable: true },
              ...(failure ? { failure } : {}),
            }),
          }),
        },
        // What can't be stored must not be trained on: the run would go on unseen.
        unrecorded: {
          actions: [
            assign({ end: ({ event }) => ({ state: 'failed', message: event.message, resumable: true }) }),
            { type: 'order', params: { type: 'kill' } },
          ],
        },
        kill: {
          actions: [
            assign({
              end: ({ context }) =>
                context.end ?? {
                  state: 'interrupted',
                  message: 'ended immediately',
                  resumable: true,
                  asked: true,
                },
            }),
            { type: 'order', params: { type: 'kill' } },
          ],
        },
        exit: [
          { guard: 'failed', target: 'failed' },
          { guard: 'completed', target: 'completed' },
          {
            // It was paused already when it was told to finish.
            guard: and(['paused', stateIn({ active: { wish: 'stopping' } })]),
            target: 'completed',
            actions: assign({ end: ({ context }) => earlyEnd(context.outcome!) }),
          },
          { guard: 'paused', target: 'paused' },
          {
            target: 'interrupted',
            actions: assign({
              end: ({ context, event }) =>
                context.end ?? {
                  state: 'interrupted',
                  message: describe(event.exit),
                  resumable: true,
                },
            }),
          },
        ],
      },
      states: {
        doing: {
          initial: 'preparing',
          on: {
            phase: {
              target: '.training',
              actions: assign({
                phase: ({ event }) => ({ index: event.index, kind: event.kind as PhaseKind }),
                step: ({ event }) => event.step,
              }),
            },
            activity: [
              { guard: ({ event }) => event.activity === 'preparing', target: '.preparing' },
              { guard: ({ event }) => event.activity === 'waiting', target: '.waiting' },
              { guard: ({ event }) => event.activity === 'evaluating', target: '.evaluating' },
              { guard: ({ event }) => event.activity === 'sampling', target: '.sampling' },
              { guard: ({ event }) => event.activity === 'checkpointing', target: '.checkpointing' },
              { guard: ({ event }) => event.activity === 'switchingOptimizer', target: '.switchingOptimizer' },
              { guard: ({ event }) => event.activity === 'recovering', target: '.recovering' },
              { target: '.training' },
            ],
          },
          states: {
            preparing: { on: { started: 'training' } },
            training: {
              initial: 'entering',
              states: {
                entering: {
                  always: [
                    { guard: 'warmup', target: 'warmup' },
                    { guard: 'cosine', target: 'cosine' },
                    { guard: 'constant', target: 'constant' },
                  ],
                },
                warmup: {},
                cosine: {},
                constant: {},
              },
            },
            waiting: {},
            evaluating: {},
            sampling: {},
            checkpointing: {},
            switchingOptimizer: {},
            recovering: {},
          },
        },
        wish: {
          initial: 'going',
          states: {
            going: {
              on: {
                pause: { target: 'pausing', actions: { type: 'order', params: { type: 'stop' } } },
                stop: { target: 'stopping', actions: { type: 'order', params: { type: 'finish' } } },
              },
            },
            pausing: {
              on: { stop: { target: 'stopping', actions: { type: 'order', params: { type: 'finish' } } } },
            },
            // Who asks once more, or closes the studio, does not wait for what is done behind the last step.
            stopping: {
              on: {
                pause: { actions: { type: 'order', params: { type: 'stop' } } },
                stop: { actions: { type: 'order', params: { type: 'stop' } } },
              },
            },
          },
        },
      },
    },
    paused: { type: 'final' },
    completed: { type: 'final' },
    failed: { type: 'final' },
    interrupted: { type: 'final' },
  },
});

export type RunSnapshot = SnapshotFrom<typeof runMachine>;

/** What of a snapshot is stored with a checkpoint. */
export const memoryOf = ({ context: { step, phase, skipped, recoveries } }: RunSnapshot): RunMemory => ({
  step,
  phase,
  skipped,
  recoveries,
});

/** The state as it is shown and stored: `training.cosine`, `pausing`, `failed`. */
export function stateName(snapshot: RunSnapshot): string {
  const { value } = snapshot;
  if (typeof value === 'string') return value;
  const { doing, wish } = value.active as unknown as { doing: string | Record<string, string>; wish: string };
  if (wish !== 'going') return wish;
  if (typeof doing === 'string') return doing;
  const [[state, part]] = Object.entries(doing) as [[string, string]];
  return part === 'entering' ? state : `${state}.${part}`;
}

/** The state as the store knows it: everything between preparing and rest is training. */
export function storedState(snapshot: RunSnapshot): RunState {
  const name = stateName(snapshot);
  if (snapshot.status === 'done') return name as RunState;
  return name === 'preparing' ? 'preparing' : 'training';
}

function describe({ code, signal }: EngineExit): string {
  if (signal === null) return `the engine exited with code ${code}`;
  const cause = signal === 'SIGKILL' ? ' (by another program, or by the system when out of memory)' : '';
  return `the engine was killed by ${signal}${cause}`;
}
