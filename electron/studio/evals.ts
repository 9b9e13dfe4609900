import { formatCount } from '../base/format.ts';
import type { HellaswagResult } from '../evals/hellaswag/score.ts';
import type { EvalRecord, Run, Store } from './store/index.ts';

/** A validation loss with what follows from it. */
export interface ValidationView {
  /** Nats a token. */
  readonly loss: number;
  readonly perplexity: number;
  /** Of text; null where its length is not known. The number to compare across tokenizers. */
  readonly bitsPerByte: number | null;
  /** Bytes of text that a token of that data stands for on average; null where that is not known. */
  readonly bytesPerToken: number | null;
  /** Over what; empty: as the run's config says. */
  readonly on: string;
}

export interface HellaswagView extends HellaswagResult {
  /** Over which items. */
  readonly on: string;
}

/** One line of the table of evaluations: a checkpoint, or a step that had one. */
export interface EvalRow {
  readonly run: string;
  readonly name: string;
  /** When the run was created. */
  readonly createdAt: number;
  /** Whose tokens its losses count by: losses per token of different tokenizers can't be compared. */
  readonly tokenizer: string;
  readonly step: number;
  readonly tokens: number;
  /** Its weights are there to be evaluated. */
  readonly kept: boolean;
  /** The user wants its weights kept. */
  readonly pinned: boolean;
  readonly validation: ValidationView | null;
  readonly hellaswag: HellaswagView | null;
}

/** @param bytes of text that `tokens` tokens stand for */
export const bitsPerByte = (nats: number, tokens: number, bytes: number): number => (nats * tokens) / Math.LN2 / bytes;

/** @param data what a validation loss was taken over; older records don't say how many bytes that was */
function bytesPerTokenOf(data: unknown): number | null {
  const { tokens, bytes } = (data ?? {}) as { tokens?: number; bytes?: number };
  return tokens && bytes ? bytes / tokens : null;
}

/** Bits per byte of an evaluation; null where it is no validation loss, or the length of the text is not known. */
export function bitsPerByteOf({ kind, value, data }: Pick<EvalRecord, 'kind' | 'value' | 'data'>): number | null {
  const bytesPerToken = kind === 'hellaswag' ? null : bytesPerTokenOf(data);
  return bytesPerToken === null ? null : bitsPerByte(value, 1, bytesPerToken);
}

/** Bytes of text that a token of a run's own validation data stands for; null before its first validation loss. */
export const validationBytesPerToken = (store: Store, run: Run): number | null =>
  bytesPerTokenOf(store.evals.latestValidation(run.id));

/** The same of all runs by their ids; those before their first validation loss are not in it. */
export const allValidationBytesPerToken = (store: Store): ReadonlyMap<string, number | null> =>
  new Map([...store.evals.latestValidations()].map(([id, data]) => [id, bytesPerTokenOf(data)]));

/** The bits per byte of a run's best validation loss; null where there is none, or its text's length is not known. */
export const bestBitsPerByte = ({ bestValLoss }: Run, bytesPerToken: number | null): number | null =>
  bestValLoss === null || bytesPerToken === null ? null : bitsPerByte(bestValLoss, 1, bytesPerToken);

function validationOf(record: EvalRecord): ValidationView {
  return {
    loss: record.value,
    perplexity: Math.exp(record.value),
    bitsPerByte: bitsPerByteOf(record),
    bytesPerToken: bytesPerTokenOf(record.data),
    on: record.dataset,
  };
}

/** A record names its items by their count, `10042 items of …`, which people read with separators. */
const hellaswagOf = ({ dataset, data }: EvalRecord): HellaswagView => ({
  ...(data as HellaswagResult),
  on: dataset.replace(/^\d+/, (count) => formatCount(Number(count))),
});

/** A checkpoint, and whether it is pinned. */
type Checkpoint = Pick<ReturnType<Store['checkpoints']['list']>[number], 'step' | 'kept'>;

/** A run's evaluations and its checkpoints without one, the latest first: a row more where a step has several of a kind. */
export const evalRows = (store: Store, run: Run): EvalRow[] =>
  rowsOf(run, store.checkpoints.list(run.id), store.evals.list(run.id));

/** The same of all these runs, one after another. */
export function allEvalRows(store: Store, runs: readonly Run[]): EvalRow[] {
  const [checkpoints, evals] = [store.checkpoints.listAll(), store.evals.listAll()];
  return runs.flatMap((run) => rowsOf(run, checkpoints.get(run.id) ?? [], evals.get(run.id) ?? []));
}

function rowsOf(run: Run, there: readonly Checkpoint[], evals: readonly EvalRecord[]): EvalRow[] {
  const { tokensPerStep, tokenizer } = run.config as { tokensPerStep: number; tokenizer: string };
  const checkpoints = new Map(there.map(({ step, kept }) => [step, kept]));
  const steps = [...new Set([...checkpoints.keys(), ...evals.map((e) => e.step)])].sort((a, b) => b - a);
  return steps.flatMap((step) => {
    const own = evals.filter((e) => e.step === step);
    const tokensOf = (e: EvalRecord) => (e.dataset === '' ? Infinity : ((e.data as { tokens?: number }).tokens ?? 0));
    const validations = own.filter((e) => e.kind === 'validation').sort((a, b) => tokensOf(b) - tokensOf(a));
    const hellaswags = own
      .filter((e) => e.kind === 'hellaswag')
      .map(hellaswagOf)
      .sort((a, b) => b.items - a.items);
    return Array.from({ length: Math.max(1, validations.length, hellaswags.length) }, (_, i): EvalRow => {
      const [validation, hellaswag] = [validations[i], hellaswags[i]];
      return {
        run: run.id,
        name: run.name,
        createdAt: run.createdAt,
        tokenizer,
        step,
        tokens: step * tokensPerStep,
        kept: checkpoints.has(step),
        pinned: checkpoints.get(step) ?? false,
        validation: validation ? validationOf(validation) : null,
        hellaswag: hellaswag ?? null,
      };
    });
  });
}

const columns: readonly (readonly [title: string, of: (row: EvalRow) => string | number | null])[] = [
  ['run', (r) => r.name],
  ['step', (r) => r.step],
  ['tokens', (r) => r.tokens],
  ['validation loss (nats/token)', (r) => r.validation?.loss ?? null],
  ['perplexity (per token)', (r) => r.validation?.perplexity ?? null],
  ['bits per byte', (r) => r.validation?.bitsPerByte ?? null],
  ['validation over', (r) => r.validation && (r.validation.on || "the run's own")],
  ['HellaSwag accuracy', (r) => r.hellaswag?.acc ?? null],
  ['± (acc)', (r) => r.hellaswag?.accStderr ?? null],
  ['acc_norm', (r) => r.hellaswag?.accNorm ?? null],
  ['± (acc_norm)', (r) => r.hellaswag?.accNormStderr ?? null],
  ['HellaSwag over', (r) => r.hellaswag?.on ?? null],
  ['tokenizer', (r) => r.tokenizer],
];

const shown = (value: string | number | null): string =>
  value === null ? '' : typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value);

const cells = (rows: readonly EvalRow[]): string[][] => rows.map((row) => columns.map(([, of]) => shown(of(row))));
const titles = columns.map(([title]) => title);

/** As other programs read it. */
export function evalsCsv(rows: readonly EvalRow[]): string {
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [titles, ...cells(rows)].map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

/** As people paste it into a text. */
export function evalsMarkdown(rows: readonly EvalRow[]): string {
  const line = (texts: readonly string[]) =>
    `| ${texts.map((t) => t.replace(/[|\\]/g, '\\$&').replace(/\s+/g, ' ')).join(' | ')} |\n`;
  return [line(titles), line(titles.map(() => '---')), ...cells(rows).map(line)].join('');
}

/** Titles and cells, for a terminal. */
export const evalsTable = (rows: readonly EvalRow[]): { titles: string[]; cells: string[][] } => ({
  titles,
  cells: cells(rows),
});
