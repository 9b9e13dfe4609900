/**
 * The studio's process: store, runs, jobs and the API, for browsers or for the windows of the desktop application. Whoever
 * started it has the terminal or the windows, and starts it again when it dies.
 */
import { RPCHandler } from '@orpc/server/message-port';
import { messageOf, UsageError, UserError } from '../base/errors.ts';
import { locateHome } from '../studio/home.ts';
import { defectMessage, logDefect } from '../base/log.ts';
import type { ApiContext } from '../api/context.ts';
import { router } from '../api/router.ts';
import { serializers } from '../api/serializers.ts';
import type { RunningServer } from '../api/transports/server.ts';
import { serveStudio } from './serve.ts';
import { forkEngine } from '../studio/run/engine.ts';
import { Studio } from '../studio/studio.ts';
import { channel, isUtility } from './channel.ts';
import { remoteDesktop } from './desktop.ts';
import { remoteEngines } from './engines.ts';
import type { ServeAt, Served } from './messages.ts';
import { Pausing } from './pausing.ts';
import { watchTraining } from './training.ts';

const desktop = isUtility ? remoteDesktop(channel) : undefined;
const spawn = isUtility ? remoteEngines(channel) : forkEngine;

let studio: Studio | undefined;
let server: RunningServer | undefined;
let pausing: Pausing | undefined;
let unwatch = (): void => {};
let isClosing = false;

const windows = new RPCHandler(router, { customJsonSerializers: serializers });

const servedBy = ({ link, port, token }: RunningServer): Served => ({ link, port, token });

async function open(home: string, at?: ServeAt): Promise<void> {
  const report = (line: string): void => void channel.send({ type: 'report', line });
  try {
    studio = Studio.open(home, spawn, report);
    if (at) server = await serveStudio(studio, at);
    else {
      studio.planner.moveApart();
      studio.jobs.work();
    }
  } catch (error) {
    studio?.close();
    const isUsage = error instanceof UsageError;
    const message =
      error instanceof UserError ? messageOf(error) : defectMessage(error, logDefect(home, 'studio', error));
    await channel.send({ type: 'refused', message, isUsage });
    return process.exit(1);
  }
  pausing = new Pausing(studio, report);
  unwatch = watchTraining(studio, pausing, (message) => void channel.send(message));
  await channel.send({ type: 'opened', ...(server ? { served: servedBy(server) } : {}) });
}

/** Saves what trains, and ends. */
async function shutdown(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  unwatch();
  await channel.send({ type: 'closing', training: studio?.training.count ?? 0 });
  await server?.close();
  await studio?.shutdown();
  await channel.send({ type: 'closed' });
  process.exit(0);
}

channel.onMessage((message, port) => {
  if (message.type === 'open') {
    void open(message.home, message.at);
  } else if (message.type === 'shutdown') {
    void shutdown();
  } else if (message.type === 'kill') {
    studio?.training.killAll();
    process.exit(1);
  } else if (message.type === 'window' && port) {
    const context: ApiContext = { studio: studio!, ...(desktop ? { desktop } : {}) };
    windows.upgrade(port, { context });
    port.start();
  } else if (message.type === 'pauseAll') {
    pausing?.pause();
  } else if (message.type === 'resumeAll') {
    void pausing?.resume();
  }
});

// Nobody is left who could ask for what trains: it is saved, and resumes in the next studio.
channel.onLost(() => void shutdown());
// A terminal's Ctrl-C reaches every process of the group: what it means is decided by the one that has the terminal.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => void shutdown());

// A defect that nobody caught: its stack is kept, it is told, and what trains goes on.
process.on('uncaughtException', (error) => {
  const file = logDefect(studio?.home ?? locateHome(), 'studio', error);
  void channel.send({ type: 'report', line: defectMessage(error, file) });
  if (!studio) process.exit(1);
});
