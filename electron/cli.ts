/** The command line: `trainyard <command>`. */
import { main, tell } from './cli/main.ts';
import { guardConsole } from './cli/terminal/guard.ts';

guardConsole();
const args = process.argv.slice(2);
// What nobody waits for, and what nobody caught: told like the rest, and then it is over.
process.on('uncaughtException', (error) => process.exit(tell(error, args)));
process.exitCode = await main(args);
