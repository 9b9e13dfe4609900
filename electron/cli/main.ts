import { Command, CommanderError, Help } from 'commander';
import { messageOf, stackOf, UsageError, UserError } from '../base/errors.ts';
import { defectMessage, logDefect } from '../base/log.ts';
import { locateHome } from '../studio/home.ts';
import { version } from '../base/version.ts';
import { Interrupted } from './interrupts.ts';
import { requireNumbers } from './numbers.ts';
import { onOneLine, printable } from './terminal/text.ts';
import { namedVerb, verbName, verbs } from './verbs.ts';

/**
 * The command line, with all that belongs to some of its verbs: of the others there are names and descriptions, as lists show
 * them.
 * @param wanted names of verbs
 */
export async function buildProgram(wanted: readonly string[]): Promise<Command> {
  const program = new Command('trainyard')
    .description('Train GPT-2-style language models on the machine you own.')
    .version(version)
    .option('--home <folder>', 'data folder for runs and datasets (TRAINYARD_HOME, else the application-data folder)')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      // What was typed is quoted in it, line ends and all; a suggestion of commander's is left out.
      outputError: (text, write) =>
        write(`${onOneLine(text.replace(/^error: /, 'trainyard: ').replace(/\n\(Did you mean[^]*$/, ''))}\n`),
    });
  const usages = new Map<Command, string>();
  for (const verb of verbs) {
    const command = program.command(verbName(verb)).description(verb.description).exitOverride();
    usages.set(command, verb.usage);
    if (wanted.includes(verbName(verb))) (await verb.load())(command);
  }
  const { subcommandTerm } = new Help();
  program.configureHelp({ subcommandTerm: (command) => usages.get(command) ?? subcommandTerm(command) });
  program.hook('preAction', (_, command) => requireNumbers(command));
  program.hook('preAction', async (_, command) => {
    const { home } = command.optsWithGlobals<{ home?: string }>();
    const { lookForTokenizersIn, tokenizersDir } = await import('../data/tokenizers/index.ts');
    lookForTokenizersIn(tokenizersDir(locateHome(home)));
  });
  return program;
}

/**
 * Runs one command.
 * @returns the exit code: 0, 1 when something failed, 2 for wrong usage, 130 after an interruption
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const verb = namedVerb(args);
    const program = await buildProgram(verb === undefined ? [] : [verb]);
    await program.parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      console.error(`trainyard: ${error.message}`);
      return error.exitCode;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, args);
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
export function report(error: unknown, args: readonly string[]): number {
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
