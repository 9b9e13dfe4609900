import type { Command } from 'commander';
import { serve } from '../server.ts';
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
  const { host, expose = false } = options;
  const server = await serve({ home: resolveHome(options.home), host, port, exposed: expose });
  // Before the link is there: whoever reads it may end this at once.
  const interrupted = new Promise<void>((resolve) => {
    onInterrupt(({ count, exitCode }) => {
      if (count > 1) process.exit(exitCode);
      resolve();
    });
  });
  console.log(`Trainyard is open at\n\n  ${server.link}\n\nCtrl-C saves and stops training runs, then quits.`);
  if (options.open) {
    const { default: open } = await import('open');
    await open(server.link).catch(() => console.error('no browser found: use the link'));
  }
  await interrupted;
  console.error(server.isTraining ? '\nsaving training runs; Ctrl-C again stops now' : '\nstopped');
  await server.close();
}
