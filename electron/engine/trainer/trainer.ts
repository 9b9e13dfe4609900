import { plural } from '../../format.ts';
import path from 'node:path';
import { messageOf, UserError } from '../../errors.ts';
import { type ItemScore, summarise } from '../../evals/hellaswag/score.ts';
import {
  checkpointName,
  listCheckpoints,
  type OpenedCheckpoint,
  openCheckpoint,
  prune,
  removeAside,
  setAside,
  takeBack,
  writeCheckpoint,
} from '../checkpoint/index.ts';
import type { RunConfig } from '../config.ts';
import { hostArray, type Session } from '../devices/device.ts';
import { Profile } from '../devices/profile.ts';
import { scoreItems } from '../hellaswag.ts';
import { mfu, modelFlopsPerToken } from '../program/cost.ts';
import type { Plan } from '../program/planner.ts';
import type { Activity, MemoryReport, Outcome, PhaseRequest, Request, RequestOrder, StepMetrics } from './events.ts';
import { dueAt, isNothingDue } from './due.ts';
import { draw, drawnBefore, type Positions } from './draw.ts';
import { freshGuards, judge } from './guards.ts';
import { HeldMemory } from './heldMemory.ts';
import { writeInitialWeights } from './initialWeights.ts';
import { initialise } from './initialise.ts';
import { initialLossScale, nextLossScale } from './lossScale.ts';
import { withChangedPhases } from './phaseChange.ts';
import type { TrainerOptions } from './options.ts';
import { RunPrograms } from './programs.ts';
import { keptScheduled, planRecovery, type Recovery, scheduledUpTo } from './recovery.ts';
import { requireTrainable } from './requirements.ts';
import {
  learningRateAt,
  phaseAt,
  type PhaseSettings,
  type ProgramSettings,
  samePrograms,
  type ScheduledPhase,
  schedule,
  settingsAt,
  settingsOf,
  totalSteps,
} from './schedule.ts';
import {
  convertsStates,
  formatOf,
  freshState,
  modelEntries,
  optimizerEntries,
  readDeviceChoices,
  readTrainerState,
  restoreModel,
  restoreOptimizer,
  type TrainerState,
} from './snapshot.ts';
import { StateWatch } from './stateWatch.ts';
import { type StepInputs, Stepper } from './stepper.ts';
import { bytesOf, openSources } from './windows.ts';

/** Why training can't go on from a step, and whether the weights are still those of the step before. */
interface Bad {
  readonly reason: string;
  readonly skipped: boolean;
}

/** How often data that is being prepared is looked for. */
const waitMs = 1000;

/** Steps that may be told before the studio has stored them. */
const mostUnflushed = 512;

/** Takes a run from where it is to its end: steps, evaluations, samples, checkpoints. */
export class Trainer {
  readonly #options: TrainerOptions;
  #config: RunConfig;
  #phases: ScheduledPhase[];
  #programs: RunPrograms;
  #session: Session;
  #stepper: Stepper;
  /** When the step before had ended, by `performance.now()`, where the run has done nothing else since: a step's time. */
  #before: number | undefined;
  readonly #held: HeldMemory;
  /** Whether the device multiplies in another way than before. */
  #otherBits = false;
  /** Whether moments were read in another format than the optimizer of the same kind keeps from here on. */
  #converted = false;
  readonly #watch: StateWatch;
  #state: TrainerState = freshState;
  #stopRequested = false;
  readonly #phaseRequests: PhaseRequest[] = [];
  readonly #requests: RequestOrder[] = [];
  /** Bytes of text of the validation windows' targets, once they are known. */
  #validationBytes: number | undefined;
  #checkpointed = -1;
  /** For data that is being prepared. */
  #waiting = false;
  /** Steps told since the studio last said that all is stored. */
  #unflushed = 0;
  /** Of the training steps, where TRAINYARD_PROFILE=1 asks for it. */
  readonly #profile = process.env.TRAINYARD_PROFILE === '1' ? new Profile() : undefined;

  private constructor(options: TrainerOptions, programs: RunPrograms, session: Session, held: HeldMemory) {
    this.#options = options;
    this.#config = options.config;
    this.#phases = schedule(options.config);
    this.#programs = programs;
    this.#session = session;
    this.#held = held;
    this.#watch = new StateWatch(options.config.optimizer);
    this.#stepper = this.#newStepper();
  }

  #newStepper(): Stepper {
    return new Stepper(this.#session, this.#programs, this.#options.training, this.#profile);
  }

  /** Allocates the plan and fills it: with fresh weights, or from a checkpoint. */
  static async create(options: TrainerOptions, from?: OpenedCheckpoint): Promise<Trainer> {
    const step = from ? readTrainerState(from.state).step : 0;
    const { config, device } = options;
    const held = new HeldMemory(device, options.memory);
    held.take(requireTrainable(config, step, device, options.memory));
    const choices = from && readDeviceChoices(from.state);
    // That it is a device of another kind is told as the run is resumed.
    const isSameKind = (choices?.kind ?? 'cuda') === device.kind;
    const otherBits = choices !== undefined && isSameKind && device.remember?.(choices) === false;
    const programs = new RunPrograms(config, settingsAt(config, schedule(config), step));
    const session = await device.load(programs.programs, programs.plan);
    const trainer = new Trainer(options, programs, session, held);
    trainer.#otherBits = otherBits;
    if (from) {
      trainer.#converted = convertsStates(programs.model, programs.training.optimizer, readTrainerState(from.state));
      await trainer.#restore(from);
    } else await trainer.#begin();
    return trainer;
  }

  /** Fresh weights and no states. */
  async #begin(): Promise<void> {
    const { model, training } = this.#programs;
    const { initial } = this.#options;
    if (this.#config.init && !initial) throw new UserError('The weights that this run began with are gone.');
    if (initial) await writeInitialWeights(this.#session, model, initial, this.#config.init?.positions);
    else await initialise(this.#session, model, this.#config.seed);
    for (const { buffer } of training.optimizer.tensors) this.#session.write(buffer, hostArray(buffer));
    await this.#startWatch();
    const lossScale = initialLossScale(this.#config.precision);
    this.#state = { ...freshState, ...formatOf(training.optimizer), lossScale };
  }

  async #startWatch(): Promise<void> {
    // Behind what was written: a device that queues may be busy with it still, and then can't be read.
    await this.#session.fetch([this.#programs.training.stats]);
    this.#watch.start(this.#programs.model.parameters, ({ value }) => this.#session.read(value));
  }

  async #flush(): Promise<void> {
    await this.#options.flush?.();
    this.#unflushed = 0;
  }

  /** Ends the run after the current step, with a checkpoint. */
  requestStop(): void {
    this.#stopRequested = true;
  }

  /** Does something besides training, between two steps; an event gives the answer. */
  request(request: RequestOrder): void {
    this.#requests.push(request);
  }

  /** Changes the phases that have not begun, between two steps; an event gives the answer. */
  requestPhases(request: PhaseRequest): void {
    this.#phaseRequests.push(request);
  }

  /** Trains until the last phase has ended, a stop is requested, or training can't go on. */
  async run(): Promise<Outcome> {
    try {
      const outcome = await this.#run();
      this.#dropRequests();
      return outcome;
    } finally {
      await this.#stepper.settle();
    }
  }

  async #run(): Promise<Outcome> {
    const first = this.#state.step;
    this.#emitStarted();
    await this.#doWhatIsDue();
    let phase = -1;
    while (!this.#stopRequested) {
      if (await this.#changePhases()) {
        phase = -1;
        // This may be the run's last step now.
        await this.#doWhatIsDue();
      }
      await this.#doWhatIsAsked();
      const { step } = this.#state;
      if (step >= this.#steps) break;
      const now = phaseAt(this.#phases, step);
      if (!(await this.#hasData(now))) continue;
      if (now.index !== phase) {
        phase = now.index;
        await this.#enter(now);
      }
      const bad = await this.#step();
      if (bad !== undefined) {
        if (!(await this.#recovered(bad))) return await this.#fail(bad);
        phase = -1;
        continue;
      }
      // A studio that can't keep up is waited for: what it has not stored must not pile up here.
      if (this.#unflushed >= mostUnflushed) {
        await this.#rest();
        await this.#flush();
      }
      if (this.#state.step > step) await this.#doWhatIsDue();
    }
    if (this.#checkpointed !== this.#state.step) await this.#checkpoint();
    const { step } = this.#state;
    if (this.#profile) this.#options.emit({ type: 'profile', steps: step - first, ops: this.#profile.byKind() });
    return step >= this.#steps
      ? { state: 'completed', step, message: `finished after ${plural(step, 'step')}` }
      : { state: 'stopped', step, message: `stopped and saved at step ${step}` };
  }

  /**
   * Whether a phase can be trained. One that waits for its data looks for it once a second, and in between the run does
   * what it is asked for: it can be stopped, and given other phases.
   */
  async #hasData({ phase }: ScheduledPhase): Promise<boolean> {
    const { step } = this.#state;
    const { mix } = settingsOf(this.#config, phase);
    const there = !phase.wait || mix.every((source) => this.#options.training.isThere(source));
    if (there === this.#waiting)
      this.#options.emit({ type: 'activity', step, activity: there ? 'training' : 'waiting' });
    this.#waiting = !there;
    if (!there) {
      await this.#rest();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    return there;
  }

  get #steps(): number {
    return totalSteps(this.#phases);
  }

  /** Answers what was asked about later phases. @returns whether they were changed */
  async #changePhases(): Promise<boolean> {
    let changed = false;
    if (this.#phaseRequests.length > 0) await this.#rest();
    for (const { id: request, change, datasetDirs } of this.#phaseRequests.splice(0)) {
      const { training, device, emit } = this.#options;
      const { step } = this.#state;
      try {
        const config = withChangedPhases(this.#config, step, change);
        training.add(datasetDirs);
        openSources(training, config, step);
        await this.#hold(requireTrainable(config, step, device, this.#held.now));
        this.#config = config;
        this.#phases = schedule(config);
      } catch (error) {
        emit({ type: 'phasesRefused', step, request, reason: messageOf(error) });
        continue;
      }
      changed = true;
      emit({ type: 'phases', step, request, phases: this.#config.phases });
      // Recorded before a step is trained by it: a run that is killed then goes on as if it had always been so.
      await this.#flush();
    }
    return changed;
  }

  /** Holds what later phases need, now rather than when they begin. @throws UserError when it can't be had any more */
  async #hold(plans: readonly Plan[]): Promise<void> {
    if (this.#held.holds(plans)) return;
    const { batch, training } = this.#programs;
    const settings = { batch, optimizer: training.optimizer.kind };
    let refusal: unknown;
    await this.#during('preparing', () =>
      this.#reload(settings, () => {
        try {
          this.#held.take(plans);
        } catch (error) {
          refusal = error;
        }
      }),
    );
    if (refusal !== undefined) throw refusal;
  }

  async #enter({ phase, index, start }: ScheduledPhase): Promise<void> {
    const { step } = this.#state;
    await this.#usePrograms(settingsAt(this.#config, this.#phases, step));
    // Another phase may have other data and rates: what was a usual loss before says nothing.
    // Once: a run that is resumed in front of a step that it skipped remembers that it did.
    if (this.#state.entered !== start) {
      this.#state = { ...this.#state, ...(step === start ? { guards: freshGuards } : {}), entered: start };
    }
    this.#options.emit({ type: 'phase', step, index, kind: phase.kind });
  }

  /** The evaluation, the samples and the checkpoint of a step, unless they were made before a stop. */
  async #doWhatIsDue(): Promise<void> {
    const { step } = this.#state;
    const due = dueAt(this.#config, this.#phases, step);
    if (due.evaluation && this.#state.evaluatedStep !== step) await this.#evaluate();
    if (due.hellaswag && this.#state.hellaswagStep !== step)
      await this.#during('evaluating', () => this.#hellaswagNow());
    if (due.sample && this.#state.sampledStep !== step) await this.#sample();
    if (this.#stopRequested || step === 0 || this.#checkpointed === step) return;
    if (due.checkpoint || this.#state.bestStep === step) await this.#checkpoint();
  }

  async #doWhatIsAsked(): Promise<void> {
    const asked = this.#requests.splice(0);
    if (asked.length === 0) return;
    const isAsked = (what: Request): boolean => asked.some((request) => request.what === what);
    const evaluated = isAsked('evaluate') && (await this.#evaluate());
    const sampled = isAsked('sample') && (await this.#sample());
    const { step, bestStep } = this.#state;
    const isBest = evaluated && step > 0 && bestStep === step;
    if ((isAsked('checkpoint') || isBest) && this.#checkpointed !== step) await this.#checkpoint();
    const done = { evaluate: evaluated, sample: sampled, checkpoint: true };
    for (const { id, what } of asked) this.#options.emit({ type: 'asked', step, request: id, what, done: done[what] });
  }

  /** Says what was asked for too late, or cut short. A checkpoint is made in any case as the run comes to rest. */
  #dropRequests(): void {
    const { step } = this.#state;
    for (const { id, what } of this.#requests.splice(0)) {
      const done = what === 'checkpoint' && this.#checkpointed === step;
      this.#options.emit({ type: 'asked', step, request: id, what, done });
    }
  }

  close(): void {
    this.#session.close();
  }

  /** Before something else than a step is done, or nothing. */
  async #rest(): Promise<void> {
    this.#before = undefined;
    await this.#stepper.settle();
  }

  /** Tells that something else than training is done, and when training goes on. */
  async #during(activity: Activity, work: () => Promise<void>): Promise<void> {
    const { emit } = this.#options;
    await this.#rest();
    emit({ type: 'activity', step: this.#state.step, activity });
    await work();
    emit({ type: 'activity', step: this.#state.step, activity: 'training' });
  }

  /** A stop cuts short what is made anew when the run goes on; the last step is finished. */
  readonly #isCancelled = (): boolean => this.#stopRequested && this.#state.step < this.#steps;

  /** Takes one optimizer step, which is skipped when its gradient is not finite. @returns why training can't go on from it */
  async #step(): Promise<Bad | undefined> {
    const started = this.#before ?? performance.now();
    const { precision } = this.#config;
    const { inputs, positions } = this.#inputsOf(this.#state);
    const { learningRate, lossScale: scale } = inputs;
    const { loss, gradNorm, skipped } = await this.#stepper.take(this.#config, inputs, () =>
      this.#following(positions),
    );
    const verdict = judge(this.#state.guards, { loss, gradNorm, skipped, scaled: scale > 1 }, this.#config.guards);
    const lossScale = nextLossScale(this.#state.lossScale, precision, skipped);
    const state = { ...this.#state, sequences: { ...positions }, lossScale };
    this.#state = state;
    const ended = performance.now();
    this.#before = ended;
    if (verdict.kind === 'recover') {
      return { reason: `${verdict.reason} at step ${state.step + 1}, rate ${learningRate}`, skipped };
    }
    if (verdict.kind === 'skip') {
      this.#state = { ...state, guards: verdict.state, skipped: state.skipped + 1 };
      this.#options.emit({ type: 'skip', step: state.step + 1, loss, skipped: state.skipped + 1, lossScale: scale });
      return undefined;
    }
    this.#state = {
      ...state,
      guards: verdict.state,
      step: state.step + 1,
      updates: state.updates + 1,
      tokensSeen: state.tokensSeen + this.#config.tokensPerStep,
    };
    this.#watch.step(learningRate);
    this.#emitMetrics({ loss, learningRate, gradNorm, lossScale: scale, stepMs: ended - started });
    return undefined;
  }

  /** What the next step of a state is made from, and how far the data is behind it. */
  #inputsOf(state: Pick<TrainerState, 'step' | 'updates' | 'sequences' | 'lossScale'>): {
    readonly inputs: StepInputs;
    readonly positions: Positions;
  } {
    const { step, updates, lossScale } = state;
    const { mix } = settingsAt(this.#config, this.#phases, step);
    const count = this.#config.tokensPerStep / this.#config.model.contextLength;
    const { sequences, positions } = draw(mix, state.sequences, count, this.#config.seed);
    const learningRate = learningRateAt(this.#phases, step);
    const drawn = drawnBefore(state.sequences);
    return { inputs: { learningRate, update: updates + 1, lossScale: lossScale.scale, sequences, drawn }, positions };
  }

  /** What follows the next step, where that goes well and nothing else is to be done in between. */
  #following(positions: Positions): StepInputs | undefined {
    const { step, updates, lossScale } = this.#state;
    const isAlone =
      step + 1 < this.#steps &&
      phaseAt(this.#phases, step + 1).index === phaseAt(this.#phases, step).index &&
      !this.#stopRequested &&
      this.#requests.length === 0 &&
      this.#phaseRequests.length === 0 &&
      isNothingDue(dueAt(this.#config, this.#phases, step + 1));
    if (!isAlone) return undefined;
    const after = nextLossScale(lossScale, this.#config.precision, false);
    return this.#inputsOf({ step: step + 1, updates: updates + 1, sequences: positions, lossScale: after }).inputs;
  }

  #emitMetrics(measured: Pick<StepMetrics, 'loss' | 'learningRate' | 'gradNorm' | 'lossScale' | 'stepMs'>): void {
    const { tokensPerStep, model } = this.#config;
    const tokensPerSecond = (tokensPerStep / measured.stepMs) * 1000;
    this.#options.emit({
      type: 'metrics',
      step: this.#state.step,
      ...measured,
      tokensSeen: this.#state.tokensSeen,
      tokensPerSecond,
      mfu: mfu(tokensPerSecond, modelFlopsPerToken(model, model.contextLength), this.#options.peakFlops),
      memoryBytes: process.memoryUsage.rss(),
      time: Date.now(),
    });
    this.#unflushed++;
  }

  #emitStarted(): void {
    const { device, emit } = this.#options;
    emit({ type: 'started', step: this.#state.step, device: device.description, memory: this.#memory() });
    if (this.#otherBits) emit({ type: 'otherBits', step: this.#state.step });
    if (this.#converted) emit({ type: 'lowBitStates', step: this.#state.step, to: this.#state.lowBitStates });
  }

  #memory(): MemoryReport {
    return this.#held.report(this.#programs.plan, this.#session);
  }

  /** @returns whether it came to its end */
  async #evaluate(): Promise<boolean> {
    let done = false;
    await this.#during('evaluating', async () => {
      done = await this.#evaluateNow();
    });
    return done;
  }

  async #evaluateNow(): Promise<boolean> {
    const { validation } = this.#options;
    const valLoss = await this.#programs.evaluator.meanLoss(this.#session, validation, this.#isCancelled);
    if (valLoss === undefined) return false;
    const { step, bestValLoss } = this.#state;
    const better = step > 0 && Number.isFinite(valLoss) && (bestValLoss === null || valLoss < bestValLoss);
    this.#state = {
      ...this.#state,
      evaluatedStep: step,
      valLoss: Number.isFinite(valLoss) ? valLoss : null,
      ...(better ? { bestValLoss: valLoss, bestStep: step } : {}),
    };
    const tokens = validation.count * this.#config.model.contextLength;
    this.#validationBytes ??= bytesOf(validation, this.#options.tokenizer);
    this.#options.emit({ type: 'evaluation', step, valLoss, tokens, bytes: this.#validationBytes });
    return true;
  }

  async #hellaswagNow(): Promise<void> {
    const { hellaswag, emit } = this.#options;
    if (!hellaswag) return;
    const { questions, key } = hellaswag;
    const { scorer } = this.#programs;
    const { step } = this.#state;
    const all: ItemScore[] = [];
    for await (const scores of scoreItems(this.#session, scorer!, questions, this.#isCancelled)) {
      all.push(...scores);
      const result = all.length === questions.size ? summarise(all) : null;
      emit({ type: 'hellaswag', step, key, scores, result });
    }
    if (all.length === questions.size) this.#state = { ...this.#state, hellaswagStep: step };
  }

  /** @returns whether it came to its end */
  async #sample(): Promise<boolean> {
    let done = false;
    await this.#during('sampling', async () => {
      done = await this.#sampleNow();
    });
    return done;
  }

  async #sampleNow(): Promise<boolean> {
    const { tokenizer, emit } = this.#options;
    const { prompts, tokens, temperature, topK } = this.#config.sampling;
    const texts: { prompt: string; seed: number; text: string }[] = [];
    for (const [i, prompt] of tokens === 0 ? [] : prompts.entries()) {
      const ids = prompt === '' ? [tokenizer.startOfText ?? tokenizer.endOfText] : Array.from(tokenizer.encode(prompt));
      const seed = this.#config.seed + i;
      const made: number[] = [];
      const { endOfText, vocabSize: kinds = this.#config.model.vocabSize } = tokenizer;
      const options = { temperature, topK, seed, maxTokens: tokens, kinds, endOfText };
      for await (const id of this.#programs.generator.generate(this.#session, ids, options)) {
        made.push(id);
        if (this.#isCancelled()) return false;
      }
      texts.push({ prompt, seed, text: tokenizer.decode(made) });
    }
    const { step } = this.#state;
    for (const text of texts) emit({ type: 'sample', step, ...text });
    this.#state = { ...this.#state, sampledStep: step };
    return true;
  }

  async #checkpoint(): Promise<void> {
    await this.#save();
    const { checkpointRoot, emit } = this.#options;
    const { bestStep } = this.#state;
    // Those that a recovery goes back to: which they are must not depend on where the user paused.
    const keep = new Set([
      ...(bestStep === null ? [] : [bestStep]),
      ...scheduledUpTo(this.#config, this.#phases, this.#state.step).slice(0, keptScheduled),
    ]);
    const removed = await prune(checkpointRoot, { keepLast: this.#config.checkpoints.keepLast, keep });
    for (const gone of removed) emit({ type: 'checkpointRemoved', step: gone });
    const { step, recovery } = this.#state;
    if (recovery !== null && step >= recovery.until) await removeAside(checkpointRoot);
  }

  #save(): Promise<void> {
    return this.#during('checkpointing', () => this.#saveNow());
  }

  async #saveNow(): Promise<void> {
    const { checkpointRoot, device, emit, tokenizerFile } = this.#options;
    const { training, model } = this.#programs;
    const { step, bestStep } = this.#state;
    const choices = device.choices?.();
    await this.#flush();
    const look = this.#watch.look(
      modelEntries(this.#session, model.parameters),
      optimizerEntries(this.#session, training),
      training.optimizer,
    );
    const written = await writeCheckpoint(checkpointRoot, step, {
      model: look.model,
      optimizer: look.optimizer,
      state: { trainer: this.#state, config: this.#config, ...(choices ? { device: choices } : {}) },
      ...(tokenizerFile === undefined ? {} : { beside: [tokenizerFile] }),
    });
    this.#checkpointed = step;
    emit({ type: 'checkpoint', step, path: written.dir, bytes: written.bytes, best: bestStep === step });
    const { lost, jumps, rates } = look.findings();
    const format = formatOf(training.optimizer);
    if (lost.length > 0) emit({ type: 'lostMoments', step, ...format, tensors: lost });
    if (jumps.length > 0) emit({ type: 'weightJump', step, ...format, tensors: jumps, rates });
  }

  /**
   * Where the device skipped the bad update the weights are those of the step before. They are saved if text can be made
   * with them, and no earlier checkpoint, which may well be better, makes way for them.
   */
  async #fail({ reason, skipped }: Bad): Promise<Outcome> {
    await this.#rest();
    if (skipped && this.#checkpointed !== this.#state.step) {
      const valLoss = await this.#programs.evaluator.meanLoss(this.#session, this.#options.validation);
      if (Number.isFinite(valLoss)) await this.#save();
    }
    await takeBack(this.#options.checkpointRoot);
    const last = (await listCheckpoints(this.#options.checkpointRoot)).at(-1)?.step ?? -1;
    const saved = last < 0 ? 'nothing was saved yet' : `the last checkpoint is of step ${last}`;
    return {
      state: 'failed',
      step: this.#state.step,
      message: `${reason}; ${saved}: train anew with a lower learning rate`,
    };
  }

  /** Goes back if that may help. @returns whether it did */
  async #recovered({ reason }: Bad): Promise<boolean> {
    const onDisk = new Set((await listCheckpoints(this.#options.checkpointRoot)).map((c) => c.step));
    const recovery = planRecovery(this.#state, this.#config, this.#phases, onDisk);
    if (recovery) await this.#during('recovering', () => this.#goBack(recovery, reason));
    return recovery !== undefined;
  }

  /**
   * Goes back to a checkpoint, past the data that led here. What is decided here is saved at once: a run that is killed
   * later must not go the bad way again.
   */
  async #goBack({ to, recoveries, until }: Recovery, reason: string): Promise<void> {
    const { step, sequences, skipped } = this.#state;
    const { checkpointRoot, emit } = this.#options;
    if (to > 0) await this.#restore(await openCheckpoint(path.join(checkpointRoot, checkpointName(to))));
    else await this.#begin();
    this.#state = { ...this.#state, sequences, skipped, recoveries, recovery: { to, until } };
    emit({ type: 'recovery', step: step + 1, to, reason, recoveries });
    for (const later of await setAside(checkpointRoot, to)) emit({ type: 'checkpointRemoved', step: later });
    await this.#save();
  }

  async #restore(from: OpenedCheckpoint): Promise<void> {
    const { training, model } = this.#programs;
    const state = readTrainerState(from.state);
    await restoreModel(this.#session, model, from);
    await this.#startWatch();
    await restoreOptimizer(this.#session, model, training.optimizer, from, state);
    this.#state = { ...state, ...formatOf(training.optimizer) };
    this.#checkpointed = state.step;
  }

  /** Goes on with the programs of a phase, if they are other ones. */
  async #usePrograms(settings: PhaseSettings): Promise<void> {
    const before = { optimizer: this.#state.optimizer, batch: this.#programs.batch };
    if (samePrograms(before, settings)) return;
    const { emit } = this.#options;
    const switches = before.optimizer !== settings.optimizer;
    await this.#during(switches ? 'switchingOptimizer' : 'preparing', () => this.#reload(settings));
    const [step, memory] = [this.#state.step, this.#memory()];
    if (switches) emit({ type: 'optimizer', step, from: before.optimizer, to: settings.optimizer, memory });
    if (before.batch !== settings.batch) emit({ type: 'batch', step, from: before.batch, to: settings.batch, memory });
  }

  /**
   * Loads other programs: what they keep passes through a checkpoint, so that the old and the new states never need memory
   * together, and a run that is resumed here computes the same.
   * @param between done while nothing is loaded
   */
  async #reload(settings: ProgramSettings, between: () => void = () => {}): Promise<void> {
    if (this.#checkpointed !== this.#state.step) await this.#checkpoint();
    const { checkpointRoot, device } = this.#options;
    this.#session.close();
    this.#programs = new RunPrograms(this.#config, settings);
    between();
    this.#session = await device.load(this.#programs.programs, this.#programs.plan);
    this.#stepper = this.#newStepper();
    await this.#restore(
      await openCheckpoint(path.join(checkpointRoot, checkpointName(this.#state.step)), { quick: true }),
    );
  }
}
