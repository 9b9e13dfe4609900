/** The command line: `trainyard <command>`. */
import { main, report } from './cli/main.ts';
import { guardConsole } from './cli/terminal/guard.ts';
import { watchOutput } from './cli/terminal/output.ts';

guardConsole();
const args = process.argv.slice(2);
// What nobody waits for, and what nobody caught: told like the rest, and then it is over.
process.on('uncaughtException', (error) => process.exit(report(error, args)));
watchOutput();
process.exitCode = await main(args);
