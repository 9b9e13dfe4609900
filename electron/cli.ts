/** The command line: `trainyard <command>`. */
import { enableCompileCache } from 'node:module';
import path from 'node:path';

// A command starts in half the time when Node keeps what it makes of the sources. Where that can't be written, it goes without.
enableCompileCache(path.join(import.meta.dirname, '..', 'node_modules', '.cache', 'node'));
const { main, report } = await import('./cli/main.ts');
const { guardConsole } = await import('./cli/terminal/guard.ts');
const { watchOutput } = await import('./cli/terminal/output.ts');

guardConsole();
const args = process.argv.slice(2);
// What nobody waits for, and what nobody caught: told like the rest, and then it is over.
process.on('uncaughtException', (error) => process.exit(report(error, args)));
watchOutput();
process.exitCode = await main(args);
