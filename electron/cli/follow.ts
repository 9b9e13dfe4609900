import { shownState } from '../base/states.ts';
import fs from 'node:fs';
import type { MemoryReport, RunEvent } from '../engine/run/events.ts';
import { formatBytes, formatCount, formatLoss, formatPerplexity, plural } from '../base/format.ts';
import type { Run } from '../studio/store/index.ts';
import type { RunHandle } from '../studio/run/handle.ts';
import {
  droppedMessage,
  jumpMessage,
  lostMessage,
  lowBitMessage,
  otherBits,
  skipMessage,
} from '../studio/run/record.ts';
import type { RunEnd } from '../studio/run/machine.ts';
import type { Studio } from '../studio/studio.ts';
import { hint } from './hint.ts';
import { interruptible } from './interrupts.ts';
import { profileTable } from './profileTable.ts';
import { ProgressLine } from './terminal/progress.ts';
import { oneLine } from './terminal/text.ts';

/**
 * Shows a run until it rests, and sets the exit code. Ctrl-C: the first pauses, the second ends it now. A run whose output
 * nobody reads any more is paused.
 */
export async function follow(studio: Studio, run: Run, handle: RunHandle, json: boolean): Promise<void> {
  const show = json ? jsonLines(run) : humanLines(studio, run);
  handle.onEvent(show.event);
  let unread = false;
  // Stays to the end of the process: what is written last may fail last.
  const onLostOutput = (error: NodeJS.ErrnoException) => {
    if (unread) return;
    unread = true;
    console.error(`trainyard: the output can't be written (${error.code}): the run is saved and paused`);
    handle.pause();
  };
  process.stdout.on('error', onLostOutput);
  process.stderr.on('error', onLostOutput);
  let state = 'interrupted' as RunEnd['state'];
  const interrupts = await interruptible(handle, show.note, async () => {
    const end = await handle.ended;
    show.end(end);
    state = end.state;
  });
  if (state === 'failed' || unread) process.exitCode = 1;
  if (state === 'interrupted') process.exitCode = interrupts > 0 ? 130 : 1;
}

interface Display {
  event(event: RunEvent): void;
  note(text: string): void;
  end(end: RunEnd): void;
}

function jsonLines(run: Run): Display {
  const print = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  return {
    event: (event) => print({ run: run.id, ...event }),
    note: (text) => print({ run: run.id, type: 'note', text }),
    end: (end) => print({ run: run.id, type: 'end', ...end }),
  };
}

/** What the device holds that no plan can use, where it is a GPU's. */
const beside = ({ overheadBytes, moduleReserveBytes }: MemoryReport): string =>
  overheadBytes + moduleReserveBytes > 0 ? `, beside it ${formatBytes(overheadBytes + moduleReserveBytes)}` : '';

function humanLines(studio: Studio, run: Run): Display {
  const progress = new ProgressLine();
  let steps = run.stepsTotal ?? 0;
  let phase = '';
  let secondsPerStep = 0;
  return {
    event(event) {
      switch (event.type) {
        case 'started': {
          const { plannedBytes, allocatedBytes } = event.memory;
          progress.say(`run ${run.id} on ${event.device}`);
          progress.say(
            `plan ${formatBytes(plannedBytes)}, allocated ${formatBytes(allocatedBytes)}${beside(event.memory)}`,
          );
          break;
        }
        case 'otherBits':
          progress.say(otherBits);
          break;
        case 'lowBitStates':
          progress.say(lowBitMessage(event));
          break;
        case 'lostMoments':
          progress.say(lostMessage(event));
          break;
        case 'weightJump':
          progress.say(jumpMessage(event));
          break;
        case 'phase':
          phase = event.kind;
          break;
        case 'metrics': {
          secondsPerStep =
            secondsPerStep === 0 ? event.stepMs / 1000 : 0.95 * secondsPerStep + 0.05 * (event.stepMs / 1000);
          const secondsLeft = (steps - event.step) * secondsPerStep;
          progress.update({ ...event, steps, phase, secondsLeft });
          break;
        }
        case 'hellaswag':
          if (event.result)
            progress.say(
              `step ${formatCount(event.step)}: HellaSwag accuracy ${event.result.acc.toFixed(4)} ± ${event.result.accStderr.toFixed(4)}, acc_norm ${event.result.accNorm.toFixed(4)} over ${plural(event.result.items, 'item')}`,
            );
          break;
        case 'evaluation':
          progress.say(
            `step ${formatCount(event.step)}: validation loss ${formatLoss(event.valLoss)}, perplexity ${formatPerplexity(event.valLoss)}`,
          );
          break;
        case 'datasetLoss':
          progress.say(
            `step ${formatCount(event.step)}: validation loss on ${event.dataset} ${formatLoss(event.loss)}`,
          );
          break;
        case 'sample':
          progress.say(`step ${formatCount(event.step)} sample: ${oneLine(event.prompt + event.text)}`);
          break;
        case 'optimizer':
          progress.say(`step ${formatCount(event.step)}: optimizer switched from ${event.from} to ${event.to}`);
          break;
        case 'batch':
          progress.say(`step ${formatCount(event.step)}: micro-batch changed from ${event.from} to ${event.to}`);
          break;
        case 'phases':
          steps = studio.store.runs.get(run.id).stepsTotal ?? steps;
          progress.say(`step ${formatCount(event.step)}: phases updated, ${plural(steps, 'step')} in total`);
          break;
        case 'phasesRefused':
          progress.say(`step ${formatCount(event.step)}: phases not changed: ${event.reason}`);
          break;
        case 'skip':
          progress.say(skipMessage(event));
          break;
        case 'recovery':
          progress.say(
            `step ${formatCount(event.step)}: ${event.reason}; rolling back to step ${formatCount(event.to)}, skipping the data since`,
          );
          break;
        case 'profile':
          progress.say(profileTable(event.ops, event.steps));
          break;
        case 'asked':
          if (!event.done) progress.say(`step ${formatCount(event.step)}: ${droppedMessage(event.what)}`);
          break;
        case 'checkpoint':
          progress.say(`step ${formatCount(event.step)}: saved ${formatBytes(event.bytes)} in ${event.path}`);
          break;
      }
    },
    note(text) {
      progress.say(text);
    },
    end(end) {
      progress.done();
      progress.say(`run ${run.id} ${shownState(end.state)}: ${end.message}`);
      // One whose folder was moved meanwhile has said how it goes on, and where it is.
      if (!fs.existsSync(studio.checkpoints.rootOf(run))) return;
      if (end.resumable) progress.say(`resume with: ${hint(studio.home, `resume ${run.id}`)}`);
      progress.say(`saved in ${studio.checkpoints.rootOf(run)}`);
    },
  };
}
