import type { HellaswagResult } from '../evals/hellaswag/score.ts';
import type { EvalRecord, Run, Store } from './store/index.ts';

/** A validation loss with what follows from it. */
export interface ValidationView {
  /** Nats a token. */
  readonly loss: number;
  readonly perplexity: number;
  /** Of text; null where its length is not known. */
  readonly bitsPerByte: number | null;
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
  readonly step: number;
  readonly tokens: number;
  /** Its weights are there to be evaluated. */
  readonly kept: boolean;
  readonly validation: ValidationView | null;
  readonly hellaswag: HellaswagView | null;
}

/** @param bytes of text that `tokens` tokens stand for */
export const bitsPerByte = (nats: number, tokens: number, bytes: number): number => (nats * tokens) / Math.LN2 / bytes;

function validationOf({ value, dataset, data }: EvalRecord): ValidationView {
  const { tokens, bytes } = (data ?? {}) as { tokens?: number; bytes?: number };
  const known = tokens !== undefined && bytes !== undefined && bytes > 0;
  return {
    loss: value,
    perplexity: Math.exp(value),
    bitsPerByte: known ? bitsPerByte(value, tokens, bytes) : null,
    on: dataset,
  };
}

const hellaswagOf = ({ dataset, data }: EvalRecord): HellaswagView => ({ ...(data as HellaswagResult), on: dataset });

/** A run's evaluations and its checkpoints without one, the latest first: a row more where a step has several of a kind. */
export function evalRows(store: Store, run: Run): EvalRow[] {
  const { tokensPerStep } = run.config as { tokensPerStep: number };
  const checkpoints = new Set(store.listCheckpoints(run.id).map((c) => c.step));
  const evals = store.listEvals(run.id);
  const steps = [...new Set([...checkpoints, ...evals.map((e) => e.step)])].sort((a, b) => b - a);
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
        step,
        tokens: step * tokensPerStep,
        kept: checkpoints.has(step),
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
  ['validation loss', (r) => r.validation?.loss ?? null],
  ['perplexity', (r) => r.validation?.perplexity ?? null],
  ['bits per byte', (r) => r.validation?.bitsPerByte ?? null],
  ['validation over', (r) => r.validation && (r.validation.on || "the run's own")],
  ['HellaSwag acc', (r) => r.hellaswag?.acc ?? null],
  ['± (acc)', (r) => r.hellaswag?.accStderr ?? null],
  ['acc_norm', (r) => r.hellaswag?.accNorm ?? null],
  ['± (acc_norm)', (r) => r.hellaswag?.accNormStderr ?? null],
  ['HellaSwag over', (r) => r.hellaswag?.on ?? null],
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
