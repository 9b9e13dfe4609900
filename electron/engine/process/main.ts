/** The engine process of one run: native code may crash or run out of memory here, and the studio lives on. */
import { failureOf, messageOf, stackOf, UserError } from '../../base/errors.ts';
import { Requests } from '../run/requests.ts';
import type { Lock } from '../../base/lock.ts';
import { channel } from './channel.ts';
import type { EngineError, FromEngine, Job, ToEngine } from './messages.ts';
import { takeRun, Unheard } from './orphan.ts';

/** Of the run: what comes before it is opened waits for it. */
const requests = new Requests();
/** A signal ends a job that takes longer than this to tidy up. */
const patienceMs = 3000;
let isJob = false;
/** Of a job that can be stopped in the middle. */
const cancelled = new AbortController();

const { send } = channel;

/** What was said of the run and is not stored. */
const unheard = new Unheard();
/** The studio is gone: the run is saved for the next one. */
let isOrphan = false;

function say(message: FromEngine): Promise<void> {
  unheard.add(message);
  return send(message);
}

/** An error as the studio is told of it, which keeps the log. */
function errorReport(error: unknown): EngineError {
  const failure = failureOf(error);
  return {
    type: 'error',
    message: messageOf(error),
    ...(error instanceof UserError ? {} : { stack: stackOf(error) }),
    ...(failure ? { failure } : {}),
  };
}

// What nobody waits for, and what nobody caught: told like the rest, and then it is over.
process.on('uncaughtException', (error) => {
  void send(errorReport(error))
    .then(() => channel.delivered())
    .finally(() => process.exit(1));
});

let flushes = 0;
const flushed = new Map<number, () => void>();

/** Settles when the studio has stored all that was sent so far. */
const flush = (): Promise<void> =>
  new Promise((resolve) => {
    if (isOrphan) return resolve();
    flushed.set(++flushes, resolve);
    void say({ type: 'flush', id: flushes });
  });

async function start(message: Extract<ToEngine, { type: 'start' }>): Promise<void> {
  const { folder } = message;
  let code = 0;
  let lock: Lock | undefined;
  try {
    lock = takeRun(folder);
    // Not before the handlers below are there: a Ctrl-C while all of it loads would end this process.
    const { startRun } = await import('./start.ts');
    const outcome = await startRun(message, requests, { emit: (event) => void say(event), flush });
    await say({ type: 'ended', outcome });
  } catch (error) {
    code = 1;
    await say(errorReport(error));
  }
  if (isOrphan) unheard.leave(folder);
  else await channel.delivered();
  lock?.release();
  process.exit(code);
}

/** Ends the run after its step, or the job where it can be stopped. */
function stop(): void {
  requests.stop();
  cancelled.abort();
}

/** Does a piece of work that is no training, and ends. */
async function work(job: Job): Promise<void> {
  isJob = true;
  try {
    const { runJob } = await import('./jobs.ts');
    await runJob(job, send, cancelled.signal);
    await send({ type: 'finished' });
  } catch (error) {
    await send(errorReport(error));
  }
  await channel.delivered();
  process.exit(0);
}

channel.onMessage((message) => {
  if (message.type === 'start') {
    void start(message);
  } else if (message.type === 'flushed') {
    unheard.flushed(message.id);
    flushed.get(message.id)?.();
    flushed.delete(message.id);
  } else if (message.type === 'stored') {
    unheard.stored(message.number);
  } else if (message.type === 'request') {
    requests.ask(message);
  } else if (message.type === 'changePhases') {
    requests.changePhases(message);
  } else if (message.type === 'stop') {
    stop();
  } else if (message.type === 'finish') {
    requests.finish();
  } else if (message.type !== 'bye') {
    void work(message);
  }
});

// Whoever ends this process means its run, and a job that does not look at the signal ends with it. A terminal's Ctrl-C
// reaches every process of the group: the studio, which has its own order for that, is not contradicted.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stop();
    if (isJob) setTimeout(() => process.exit(0), patienceMs).unref();
  });

const endNow = (): void => void process.kill(process.pid, 'SIGKILL');

// Without its studio a run is saved behind its step, for the next studio to go on with; native work that hangs is not waited
// for. Of anything else nobody would hear what comes of it.
channel.onLost(() => {
  if (isJob || !unheard.hasStarted) return endNow();
  isOrphan = true;
  requests.stop();
  for (const stored of flushed.values()) stored();
  flushed.clear();
  setTimeout(endNow, unheard.patienceMs).unref();
});
