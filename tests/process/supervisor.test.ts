import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UsageError, UserError } from '../../electron/base/errors.ts';
import { logFile } from '../../electron/base/log.ts';
import type { FromStudio, ServeAt, ToStudio } from '../../electron/process/messages.ts';
import { StudioSupervisor } from '../../electron/process/supervisor.ts';
import { tempDir } from '../temp.ts';

/** Processes that do nothing by themselves: what each is received, and what it says and when it ends. */
function fakes() {
  const started: {
    readonly received: ToStudio[];
    say(message: FromStudio): void;
    end(code: number | null, signal?: NodeJS.Signals): void;
  }[] = [];
  const spawn = (onMessage: (message: FromStudio) => void) => {
    const received: ToStudio[] = [];
    let end = (_code: number | null, _signal?: NodeJS.Signals): void => {};
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      end = (code, signal) => resolve({ code, signal: signal ?? null });
    });
    started.push({ received, say: onMessage, end });
    return { exited, send: (message: ToStudio) => void received.push(message), kill: () => end(null, 'SIGKILL') };
  };
  return { started, spawn };
}

const at: ServeAt = { host: '127.0.0.1', port: 0, exposed: false };
const served = { link: 'http://127.0.0.1:4711/?token=key', port: 4711, token: 'key' };

function supervised(home = tempDir()) {
  const { started, spawn } = fakes();
  const lines = { restarted: [] as string[], givenUp: [] as string[], heard: [] as FromStudio[] };
  const supervisor = new StudioSupervisor(spawn, {
    home,
    at,
    onMessage: (message) => void lines.heard.push(message),
    onRestart: (line) => void lines.restarted.push(line),
    onGivenUp: (line) => void lines.givenUp.push(line),
  });
  return { home, started, supervisor, ...lines };
}

/** Lets what was promised come about. */
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('a studio’s process that is watched', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function opened() {
    const given = supervised();
    const start = given.supervisor.start();
    given.started[0]!.say({ type: 'opened', served });
    expect(await start).toEqual(served);
    return given;
  }

  it('is received where to open, and what it says is passed on', async () => {
    const { home, started, heard } = await opened();
    expect(started[0]!.received).toEqual([{ type: 'open', home, at }]);
    started[0]!.say({ type: 'report', line: 'one run recovered' });
    expect(heard).toEqual([{ type: 'report', line: 'one run recovered' }]);
  });

  it('is started again when it dies: at the same port, with the same token, and the log says how it died', async () => {
    const { home, started, restarted, supervisor } = await opened();
    started[0]!.end(null, 'SIGSEGV');
    await settle();
    expect(restarted).toEqual([expect.stringMatching(/^The studio's process ended by SIGSEGV: it is started again/)]);
    expect(started[1]!.received).toEqual([{ type: 'open', home, at: { ...at, port: 4711, token: 'key' } }]);
    expect(fs.readFileSync(logFile(home), 'utf8')).toMatch(/ended by SIGSEGV/);
    // What is said meanwhile waits until it is open.
    const sent = supervisor.send({ type: 'window' });
    await settle();
    expect(started[1]!.received).toHaveLength(1);
    started[1]!.say({ type: 'opened', served });
    await sent;
    expect(started[1]!.received.at(-1)).toEqual({ type: 'window' });
  });

  it('is given up when it dies again and again, and only then', async () => {
    const { started, givenUp } = await opened();
    for (let i = 0; i < 6; i++) {
      expect(started).toHaveLength(i + 1);
      expect(givenUp).toEqual([]);
      if (i > 0) started[i]!.say({ type: 'opened', served });
      started[i]!.end(1);
      await vi.advanceTimersByTimeAsync(20_000);
    }
    expect(givenUp).toEqual([expect.stringMatching(/^The studio's process ended with code 1, for the 6th time\. See/)]);
    expect(started).toHaveLength(6);
  });

  it('is given up when it no longer opens at all', async () => {
    const { started, givenUp, supervisor } = await opened();
    started[0]!.end(1);
    await settle();
    // Windows that wait for it do not wait for ever.
    const sent = supervisor.send({ type: 'window' });
    for (let i = 1; i < 10 && started[i]; i++) {
      started[i]!.say({ type: 'refused', message: 'the port is taken', isUsage: false });
      started[i]!.end(1);
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(started).toHaveLength(6);
    expect(givenUp).toHaveLength(1);
    await sent;
  });

  it('counts anew once a process has lived for a while', async () => {
    const { started, givenUp } = await opened();
    for (let i = 0; i < 20; i++) {
      if (i > 0) started[i]!.say({ type: 'opened', served });
      await vi.advanceTimersByTimeAsync(31_000);
      started[i]!.end(1);
      await settle();
    }
    expect(started).toHaveLength(21);
    expect(givenUp).toEqual([]);
  });

  it.each([
    [true, UsageError],
    [false, UserError],
  ])('refuses to start with what it says itself (wrong usage: %s)', async (isUsage, kind) => {
    const { started, supervisor } = supervised();
    const start = supervisor.start();
    started[0]!.say({ type: 'refused', message: 'the page is not built', isUsage });
    started[0]!.end(1);
    await expect(start).rejects.toThrow(new kind('the page is not built'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(1);
  });

  it('refuses to start where it dies before it is open', async () => {
    const { home, started, supervisor } = supervised();
    const start = supervisor.start();
    started[0]!.end(134);
    await expect(start).rejects.toThrow(`ended with code 134 before it was open. See the log: ${logFile(home)}`);
    expect(started).toHaveLength(1);
  });

  it('saves and ends when it is closed, and is not started again', async () => {
    const { started, restarted, givenUp, supervisor } = await opened();
    let training: number | undefined;
    const closed = supervisor.shutdown((count) => (training = count));
    expect(started[0]!.received.at(-1)).toEqual({ type: 'shutdown' });
    started[0]!.say({ type: 'closing', training: 2 });
    started[0]!.say({ type: 'closed' });
    started[0]!.end(0);
    await closed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([training, started.length, restarted, givenUp]).toEqual([2, 1, [], []]);
  });

  it('is not started again where all is closed while it is dead', async () => {
    const { started, supervisor } = await opened();
    started[0]!.end(1);
    await settle();
    started[1]!.say({ type: 'opened', served });
    started[1]!.end(1);
    await settle(); // the third waits for a moment
    await supervisor.shutdown();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(2);
  });

  it('that somebody ended by its own signal stays ended', async () => {
    const { started, givenUp } = await opened();
    started[0]!.say({ type: 'closed' });
    started[0]!.end(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(givenUp).toEqual(['The studio was ended.']);
    expect(started).toHaveLength(1);
  });
});
