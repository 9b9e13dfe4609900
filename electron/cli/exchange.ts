import path from 'node:path';
import { type Command, Option } from 'commander';
import { parameterCount } from '../engine/models/index.ts';
import { type ExportDtype, exportDtypes, type ExtraRows, extraRows } from '../exchange/huggingFace/index.ts';
import { formatCount } from '../base/format.ts';
import { cardFiles } from '../studio/card.ts';
import { exportModel, importModel } from '../studio/exchange.ts';
import { resolveHome } from '../studio/home.ts';
import { tokenizerNamed, tokenizerTitle } from '../studio/tokenizers.ts';
import { Studio } from '../studio/studio.ts';
import { absolute, asJob } from './asJob.ts';
import { checkpointHelp, findCheckpoint } from './checkpointArgument.ts';
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

export function addImport(command: Command): void {
  command
    .argument('<folder>', 'with config.json and model.safetensors (or several files and an index), or a checkpoint’s')
    .option('--name <text>', "name of the run (default: the folder's)")
    .option('--tokenizer <name>', "instead of the folder's: gpt2, bytes, or that of a run or another folder")
    .option('--end-of-text <token>', "end-of-text token, if the folder's files don't name it")
    .addOption(
      new Option('--extra-rows <what>', 'vocabulary rows that are padding or added tokens')
        .choices(extraRows)
        .default('keep'),
    )
    .action((dir: string, _: unknown, self: Command) => runImport(dir, self.optsWithGlobals<ImportFlags>()));
}

export function addExport(command: Command): void {
  command
    .argument('<checkpoint>', checkpointHelp)
    .argument('<folder>', 'a new or empty one')
    .addOption(new Option('--dtype <type>', 'dtype of the weights').choices(exportDtypes).default('f32'))
    .option('--license <id>', 'for the model card, such as apache-2.0')
    .option('--language <code...>', 'for the model card, such as en')
    .option('--author <name>', 'for the model card')
    .option('--notes <text>', 'a paragraph for the model card')
    .option('--force', 'overwrite an existing export')
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
    const input = { dir: absolute(dir), name: name ?? '', ...choices };
    let imported: Awaited<ReturnType<typeof importModel>> | undefined;
    await asJob(studio, { kind: 'import', input }, async ({ signal, progress }) => {
      const onProgress = (done: number, total: number): void => progress({ done, total, unit: 'tensors' });
      imported = await importModel(studio, dir, name, choices, { signal, onProgress });
      return { id: imported.run.id, notices: imported.notices };
    });
    const { run, notices } = imported!;
    const { model, tokenizer } = studio.runs.configOf(run);
    console.log(
      `${run.id}  ${onOneLine(run.name)}: ${formatCount(parameterCount(model))} parameters, context ${model.contextLength}, ${tokenizerTitle(tokenizer)} tokenizer`,
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
    const input = { id: run.id, step, dir: absolute(dir), dtype, force, ...words };
    await asJob(studio, { kind: 'export', input }, async ({ signal, progress }) => {
      const onProgress = (done: number, total: number): void => progress({ done, total, unit: 'tensors' });
      await exportModel(studio, run, step, dir, { dtype, force, files }, { signal, onProgress });
      return { dir: absolute(dir) };
    });
    console.log(`${onOneLine(run.name)}, step ${formatCount(step)}: exported to ${path.resolve(dir)}`);
  } finally {
    studio.close();
  }
}
