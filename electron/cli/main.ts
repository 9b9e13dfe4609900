import { Command, CommanderError } from 'commander';
import { messageOf, stackOf, UsageError, UserError } from '../errors.ts';
import { defectMessage, logDefect } from '../log.ts';
import { lookForTokenizersIn, tokenizersDir } from '../data/tokenizers/index.ts';
import { locateHome } from '../studio/home.ts';
import { version } from '../version.ts';
import { addBench } from './bench.ts';
import { addContinue } from './continue.ts';
import { addData } from './data.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addEval } from './eval.ts';
import { addExchange } from './exchange.ts';
import { addFit } from './fit.ts';
import { addGenerate } from './generate.ts';
import { Interrupted } from './interrupts.ts';
import { addOrders } from './orders.ts';
import { requireNumbers } from './numbers.ts';
import { addPhases } from './phasesCommand.ts';
import { addResume } from './resume.ts';
import { addRuns } from './runs.ts';
import { addServe } from './serve.ts';
import { addShow } from './show.ts';
import { addTokens } from './tokens.ts';
import { onOneLine, printable } from './terminal/text.ts';
import { addTrain } from './train.ts';

export function buildProgram(): Command {
  const program = new Command('trainyard')
    .description('Train GPT-2-style language models on the machine you own.')
    .version(version)
    .option('--home <folder>', 'where runs and datasets are kept (TRAINYARD_HOME, else the application-data folder)')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      // What was typed is quoted in it, line ends and all; a suggestion of commander's is left out.
      outputError: (text, write) =>
        write(`${onOneLine(text.replace(/^error: /, 'trainyard: ').replace(/\n\(Did you mean[^]*$/, ''))}\n`),
    });
  for (const add of [
    addTrain,
    addResume,
    addContinue,
    addPhases,
    addOrders,
    addRuns,
    addShow,
    addGenerate,
    addEval,
    addExchange,
    addFit,
    addData,
    addTokens,
    addServe,
    addBench,
    addDemo,
    addDoctor,
  ])
    add(program);
  for (const command of program.commands) command.exitOverride();
  program.hook('preAction', (_, command) => requireNumbers(command));
  program.hook('preAction', (_, command) => {
    const { home } = command.optsWithGlobals<{ home?: string }>();
    lookForTokenizersIn(tokenizersDir(locateHome(home)));
  });
  return program;
}

/**
 * Runs one command.
 * @returns the exit code: 0, 1 when something failed, 2 for wrong usage, 130 after an interruption
 */
export async function main(args: readonly string[]): Promise<number> {
  // `| head` closes the pipe when it has read enough. A run that trains has a listener of its own, and is saved.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && process.stdout.listenerCount('error') === 1) process.exit(0);
  });
  try {
    await buildProgram().parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      console.error('trainyard: stopped');
      return error.exitCode;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return tell(error, args);
  }
}

/** The value of `--home` wherever it stands: a defect may come before anything was parsed. */
function homeFlag(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--home' || arg.startsWith('--home='));
  return at < 0 ? undefined : args[at] === '--home' ? args[at + 1] : args[at]!.slice('--home='.length);
}

/**
 * Says on one line what went wrong. The stack of a defect goes into the log of the home, or where there is none, to the terminal.
 * @returns the exit code
 */
export function tell(error: unknown, args: readonly string[]): number {
  if (error instanceof UserError) {
    console.error(`trainyard: ${onOneLine(messageOf(error))}`);
    return error instanceof UsageError ? 2 : 1;
  }
  const command = args.find((arg, i) => !arg.startsWith('-') && args[i - 1] !== '--home') ?? '';
  const file = logDefect(locateHome(homeFlag(args)), `trainyard ${command}`.trim(), error);
  console.error(`trainyard: ${onOneLine(defectMessage(error, file))}`);
  if (file === undefined) console.error(printable(stackOf(error)));
  return 1;
}
