import path from 'node:path';
import type { Studio } from '../../studio.ts';
import { discardUploads } from '../../uploads.ts';
import type { TokenizeInput } from '../inputs.ts';
import type { JobKind, JobTools } from '../kind.ts';
import { type BeginLater, beginRun, startMade, withMade } from '../../run/begin.ts';
import { messageOf, UserError } from '../../../base/errors.ts';
import { given } from '../given.ts';

export interface Tokenized {
  /** Of the dataset. */
  readonly name: string;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** The run that was to train on it, or why it does not. */
  readonly run?: string;
  readonly notTrained?: string;
}

/** A run may be meant to train on what is made: also one that was thought of while it was made already. */
export type TokenizeThen = TokenizeInput & { readonly train?: BeginLater };

async function train(
  studio: Studio,
  begin: BeginLater,
  dataset: string,
  { log, run, nameRun }: JobTools,
): Promise<Pick<Tokenized, 'run' | 'notTrained'>> {
  const made = run();
  try {
    const { id, queued } =
      made !== null && studio.store.runs.has(made)
        ? await startMade(studio, made)
        : await beginRun(studio, { ...begin, config: withMade(begin, dataset) }, { onMade: nameRun });
    log(queued ? `${begin.name} is queued` : `${begin.name} trains`);
    return { run: id };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const notTrained = `${begin.name} can't be trained: ${messageOf(error)}`;
    log(notTrained);
    return { notTrained };
  }
}

/** What is asked for as it is done. */
export function tokenizeOptions({ paths: inputs, filter, ...rest }: TokenizeInput) {
  const where = [...(rest.where ?? []), ...(filter ? [filter] : [])];
  return { inputs, ...given({ ...rest, where: where.length > 0 ? where : undefined }) };
}

/** Makes a dataset of text; what is done of one that was left is not done again. */
export const tokenize: JobKind<TokenizeThen, Tokenized> = {
  restarts: true,
  describe(studio, { paths, name, train: then }) {
    studio.store.requireInPlace();
    const [first] = paths;
    const files = path.basename(first!) + (paths.length > 1 ? ` and ${paths.length - 1} more` : '');
    const as = name === undefined ? '' : ` as ${name}`;
    return { title: `Tokenize ${files}${as}${then ? `, then train ${then.name}` : ''}`, slot: 'tokenize' };
  },
  async run(studio, { train: _, ...asked }, tools) {
    const { signal, progress, log, input } = tools;
    const { inputs, ...options } = tokenizeOptions(asked);
    let made: Tokenized | undefined;
    for await (const update of studio.datasets.prepare({ inputs, ...options }, signal)) {
      if (update.kind === 'done') {
        const { name, cpuSeconds, peakBytes } = update;
        made = { name, cpuSeconds, peakBytes };
        continue;
      }
      if (update.kind === 'notice') {
        log(update.text);
        continue;
      }
      const { doneBytes: done, totalBytes: total, textBytes, tokens } = update;
      progress({ done, total, unit: 'bytes', detail: { textBytes, tokens } });
    }
    if (!made) throw signal.reason;
    await discardUploads(studio.home, inputs);
    const then = (input() as TokenizeThen).train;
    return then ? { ...made, ...(await train(studio, then, made.name, tools)) } : made;
  },
};
