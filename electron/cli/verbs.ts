import type { Command } from 'commander';

/** One command of the command line: what the list of commands says of it, and the file that has the rest. */
export interface Verb {
  /** Its name, and what follows it. */
  readonly usage: string;
  readonly description: string;
  /** Loads what adds its arguments, flags and action: a list of commands needs none of that. */
  readonly load: () => Promise<(command: Command) => void>;
}

/** In the order in which they are listed. */
export const verbs: readonly Verb[] = [
  {
    usage: 'train [options]',
    description: 'train a model on text files or a dataset',
    load: async () => (await import('./train.ts')).addTrain,
  },
  {
    usage: 'resume [options] <run>',
    description: 'resume a run from its latest checkpoint, bit-exactly',
    load: async () => (await import('./resume.ts')).addResume,
  },
  {
    usage: 'continue [options] <run>',
    description: 'continue training: append new phases on new data; works while the run is training, too',
    load: async () => (await import('./continue.ts')).addContinue,
  },
  {
    usage: 'phases [options] <run>',
    description:
      'show or edit the upcoming phases of a run, and the length of the running constant one, also during training',
    load: async () => (await import('./phasesCommand.ts')).addPhases,
  },
  {
    usage: 'pause <run>',
    description: 'pause a run that trains in another process: save it after its step, to resume it later',
    load: async () => (await import('./orders.ts')).addPause,
  },
  {
    usage: 'stop <run>',
    description:
      'end a run early: its current step becomes the last, then final evaluation, samples and checkpoint; no resume',
    load: async () => (await import('./orders.ts')).addStop,
  },
  {
    usage: 'runs [options]',
    description: 'list runs',
    load: async () => (await import('./runs.ts')).addRuns,
  },
  {
    usage: 'show [options] <run>',
    description: 'show one run: its config, loss curve, evaluations, checkpoints and events',
    load: async () => (await import('./show.ts')).addShow,
  },
  {
    usage: 'generate [options] <checkpoint>',
    description: 'generate text from a checkpoint',
    load: async () => (await import('./generate.ts')).addGenerate,
  },
  {
    usage: 'eval',
    description: 'evaluate checkpoints: HellaSwag and validation loss; show results',
    load: async () => (await import('./eval.ts')).addEval,
  },
  {
    usage: 'import [options] <folder>',
    description:
      'import a Hugging Face GPT-2 folder or a checkpoint as a run: to evaluate, generate from and fine-tune',
    load: async () => (await import('./exchange.ts')).addImport,
  },
  {
    usage: 'export [options] <checkpoint> <folder>',
    description: 'export a checkpoint as a Hugging Face model folder, with tokenizer and model card',
    load: async () => (await import('./exchange.ts')).addExport,
  },
  {
    usage: 'fit [options]',
    description: 'compute exact training memory, and what fits a GPU',
    load: async () => (await import('./fit.ts')).addFit,
  },
  {
    usage: 'presets [options] [name]',
    description: 'list the recipes that a run can start from: their tokens, rates and sources',
    load: async () => (await import('./presets.ts')).addPresets,
  },
  {
    usage: 'data',
    description: 'add, list, preview, verify and delete datasets',
    load: async () => (await import('./data.ts')).addData,
  },
  {
    usage: 'tokens',
    description: 'import and export token files of nanoGPT and llm.c',
    load: async () => (await import('./tokens.ts')).addTokens,
  },
  {
    usage: 'jobs [options]',
    description: 'list, follow and cancel jobs: training, tokenizing, evaluations, imports, exports',
    load: async () => (await import('./jobs.ts')).addJobs,
  },
  {
    usage: 'queue',
    description: 'runs that wait for their device: their order, and the hours in which they train',
    load: async () => (await import('./queue.ts')).addQueue,
  },
  {
    usage: 'serve [options]',
    description: 'serve Trainyard to a browser on this machine, or over ssh -L from another one',
    load: async () => (await import('./serve.ts')).addServe,
  },
  {
    usage: 'bench [options]',
    description: "measure this machine's peak, the matmuls of GPT-2 124M and whole training steps",
    load: async () => (await import('./bench.ts')).addBench,
  },
  {
    usage: 'demo',
    description: 'train a small GPT on generated stories: two minutes, no network',
    load: async () => (await import('./demo.ts')).addDemo,
  },
  {
    usage: 'doctor [options]',
    description: 'check this machine: what works, and what is missing',
    load: async () => (await import('./doctor.ts')).addDoctor,
  },
];

/** How a verb is called. */
export const verbName = ({ usage }: Verb): string => usage.split(' ')[0]!;

/**
 * The verb that a command line names, of which more than its name must be known to run it or to show its help.
 * @param args behind the program's name
 */
export function namedVerb(args: readonly string[]): string | undefined {
  const words = args.filter((arg, i) => !arg.startsWith('-') && args[i - 1] !== '--home');
  return words[0] === 'help' ? words[1] : words[0];
}
