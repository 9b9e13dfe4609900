import path from 'node:path';
import { type Command, Option } from 'commander';
import { parameterCount } from '../engine/gpt2/config.ts';
import { type ExportDtype, exportDtypes, type ExtraRows, extraRows } from '../exchange/huggingFace/index.ts';
import { formatCount } from '../format.ts';
import { cardFiles } from '../studio/card.ts';
import { exportModel, importModel } from '../studio/exchange.ts';
import { resolveHome } from '../studio/home.ts';
import { tokenizerNamed, tokenizerTitle } from '../studio/tokenizers.ts';
import { Studio } from '../studio/studio.ts';
import { checkpointHelp, findCheckpoint } from './checkpointArgument.ts';
import { abortable } from './interrupts.ts';
import { onOneLine } from './terminal/text.ts';

interface ExportOptions {
  readonly home?: string;
  readonly dtype: ExportDtype;
  readonly license?: string;
  readonly language?: string[];
  readonly author?: string;
  readonly notes?: string;
  readonly force?: boolean;
}

interface ImportFlags {
  readonly home?: string;
  readonly name?: string;
  readonly tokenizer?: string;
  readonly endOfText?: string;
  readonly extraRows: ExtraRows;
}

export function addExchange(program: Command): void {
  program
    .command('import')
    .description(
      'make a run of a Hugging Face GPT-2 folder or a checkpoint: to evaluate, generate from, and begin new runs with',
    )
    .argument('<folder>', 'with config.json and model.safetensors (or several files and an index), or a checkpoint’s')
    .option('--name <text>', "a name for the run (the folder's)")
    .option('--tokenizer <name>', "in the place of the folder's own: gpt2, bytes, or that of a run or another folder")
    .option('--end-of-text <token>', "the token that ends a text, where the folder's files don't say")
    .addOption(
      new Option('--extra-rows <what>', 'rows of the vocabulary that are padding, or tokens added later')
        .choices(extraRows)
        .default('keep'),
    )
    .action((dir: string, _: unknown, self: Command) => runImport(dir, self.optsWithGlobals<ImportFlags>()));
  program
    .command('export')
    .description('write a checkpoint as a folder that Hugging Face’s libraries load, with tokenizer and model card')
    .argument('<checkpoint>', checkpointHelp)
    .argument('<folder>', 'a new or empty one')
    .addOption(new Option('--dtype <type>', 'of the weights').choices(exportDtypes).default('f32'))
    .option('--license <id>', 'for the model card, such as apache-2.0')
    .option('--language <code...>', 'for the model card, such as en')
    .option('--author <name>', 'for the model card')
    .option('--notes <text>', 'a paragraph for the model card')
    .option('--force', 'replace an earlier export')
    .action((id: string, dir: string, _: unknown, self: Command) =>
      runExport(id, dir, self.optsWithGlobals<ExportOptions>()),
    );
}

async function runImport(dir: string, options: ImportFlags): Promise<void> {
  const { name, tokenizer: other, extraRows, endOfText } = options;
  const studio = Studio.open(resolveHome(options.home));
  try {
    const choices = {
      extraRows,
      ...(other === undefined ? {} : { tokenizer: await tokenizerNamed(studio.home, other, () => studio.store) }),
      ...(endOfText === undefined ? {} : { endOfText }),
    };
    const { run, notices } = await abortable((signal) => importModel(studio, dir, name, choices, signal));
    const { model, tokenizer } = studio.configOf(run);
    console.log(
      `${run.id}  ${onOneLine(run.name)}: ${formatCount(parameterCount(model))} parameters, context ${model.contextLength}, ${tokenizerTitle(tokenizer)} tokens`,
    );
    for (const notice of notices) console.log(`note: ${onOneLine(notice)}`);
  } finally {
    studio.close();
  }
}

async function runExport(id: string, dir: string, options: ExportOptions): Promise<void> {
  const studio = Studio.look(resolveHome(options.home, 'read'));
  try {
    const { run, step } = findCheckpoint(studio, id);
    const { dtype, force = false, license, language, author, notes } = options;
    const words = Object.fromEntries(
      Object.entries({ license, language, author, notes }).filter(([, v]) => v !== undefined),
    );
    const files = cardFiles(studio, run, step, dtype, words);
    await abortable((signal) => exportModel(studio, run, step, dir, { dtype, force, files }, signal));
    console.log(`${onOneLine(run.name)}, step ${step}, is in ${path.resolve(dir)}`);
  } finally {
    studio.close();
  }
}
