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

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('serve the studio to a browser on this machine, or through ssh -L to one on another')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port, 0: any that is free', '4860')
    .option('--expose', 'allow an address that other machines can reach: whoever has the link controls the studio')
    .option('--open', 'open the link in the browser')
    .action((_: unknown, self: Command) => runServe(self.optsWithGlobals<Options>()));
}

async function runServe(options: Options): Promise<void> {
  const port = parsePort('--port', options.port);
  const { host, expose = false } = options;
  const server = await serve({ home: resolveHome(options.home), host, port, exposed: expose });
  console.log(`Trainyard is open at\n\n  ${server.link}\n\nCtrl-C saves and stops what trains here, and ends it.`);
  if (options.open) {
    const { default: open } = await import('open');
    await open(server.link).catch(() => console.error('no browser could be opened: use the link'));
  }
  await new Promise<void>((resolve) => {
    onInterrupt(({ count, exitCode }) => {
      if (count > 1) process.exit(exitCode);
      resolve();
    });
  });
  console.error('\nsaving what trains; Ctrl-C again stops at once');
  await server.close();
}
