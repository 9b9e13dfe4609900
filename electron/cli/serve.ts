import type { Command } from 'commander';
import { forkStudio } from '../process/fork.ts';
import { StudioSupervisor } from '../process/supervisor.ts';
import { UserError } from '../base/errors.ts';
import { resolveHome } from '../studio/home.ts';
import { onInterrupt } from './interrupts.ts';
import { parsePort } from './numbers.ts';

interface Options {
  readonly home?: string;
  readonly host: string;
  readonly port: string;
  readonly expose?: boolean;
  readonly open?: boolean;
}

export function addServe(command: Command): void {
  command
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port (0 = any free port)', '4860')
    .option('--expose', 'allow an address reachable from other machines: anyone with the link controls Trainyard')
    .option('--open', 'open the link in the browser')
    .action((_: unknown, self: Command) => runServe(self.optsWithGlobals<Options>()));
}

async function runServe(options: Options): Promise<void> {
  const port = parsePort('--port', options.port);
  const { host, expose: exposed = false } = options;
  let givenUp = (_line: string): void => {};
  const lost = new Promise<string>((resolve) => (givenUp = resolve));
  const studio = new StudioSupervisor(forkStudio, {
    home: resolveHome(options.home),
    at: { host, port, exposed },
    onMessage: (message) => {
      if (message.type === 'report') console.error(`trainyard: ${message.line}`);
    },
    onRestart: (line) => console.error(`trainyard: ${line}`),
    onGivenUp: givenUp,
  });
  // Before the link is there: whoever reads it may end this at once.
  const interrupted = new Promise<undefined>((resolve) => {
    onInterrupt(({ count, exitCode }) => {
      if (count > 1) {
        void studio.kill().then(() => process.exit(exitCode));
        return;
      }
      resolve(undefined);
    });
  });
  const { link } = (await studio.start())!;
  console.log(`Trainyard is open at\n\n  ${link}\n\nCtrl-C pauses training runs, then quits.`);
  if (options.open) {
    const { default: open } = await import('open');
    await open(link).catch(() => console.error('no browser found: use the link'));
  }
  const reason = await Promise.race([interrupted, lost]);
  if (reason !== undefined) throw new UserError(reason);
  await studio.shutdown((training) => {
    console.error(training > 0 ? '\nsaving training runs; Ctrl-C again ends them now' : '\nstopped');
  });
}
