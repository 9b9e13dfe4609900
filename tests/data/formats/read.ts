import type { Parsed, Selection, Unusable } from '../../../electron/data/prepare/documents.ts';
import type { DocumentFormat, ParseJob } from '../../../electron/data/formats/index.ts';
import { everything } from '../../../electron/data/subsets.ts';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';

/** All documents are taken, for training. */
export const selection: Selection = {
  tokenizer: 'bytes',
  textField: 'text',
  where: [],
  subset: everything,
  valFraction: 1e-9,
};

/** Bytes in pieces of these sizes, and the rest. */
export async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) if (at < bytes.length) yield await Promise.resolve(bytes.subarray(at, (at += size)));
  if (at < bytes.length) yield bytes.subarray(at);
}

const textsOf = ({ tokens, ends }: Parsed): string[] => {
  const { decode } = getTokenizer('bytes');
  return [...ends].map((end, i) => decode([...tokens.subarray(i === 0 ? 0 : ends[i - 1], end - 1)]));
};

export interface ReadOptions {
  readonly path?: string;
  readonly sizes?: readonly number[];
  readonly longest?: number;
  readonly selection?: Partial<Selection>;
  /** In place of the format's own, which it does at once. */
  readonly parse?: (job: ParseJob) => Promise<Parsed>;
}

/** All that comes of a file of these bytes. */
export async function read(format: DocumentFormat, source: string | Buffer, options: ReadOptions = {}) {
  const [texts, bad]: [string[], Unusable[]] = [[], []];
  const absent: { documents: number; reason?: string | undefined } = { documents: 0 };
  const tally = { empty: 0, nonFinite: 0, filtered: 0 };
  let error: unknown;
  try {
    const file = { path: options.path ?? 'x', format: format.name, compression: 'none' } as const;
    const jobOptions = { selection: { ...selection, ...options.selection }, longest: options.longest ?? 1 << 20 };
    for await (const job of format.jobs(file, cut(Buffer.from(source), options.sizes ?? []), jobOptions)) {
      if ('reason' in job) {
        bad.push(job);
        continue;
      }
      const parsed = await (options.parse ?? ((own) => format.parse(structuredClone(own))))(job);
      texts.push(...textsOf(parsed));
      bad.push(...parsed.bad);
      absent.documents += parsed.absent.documents;
      absent.reason ??= parsed.absent.reason;
      for (const key of ['empty', 'nonFinite', 'filtered'] as const) tally[key] += parsed.tally[key];
    }
  } catch (thrown) {
    error = thrown;
  }
  return { texts, bad, absent, tally, error };
}
