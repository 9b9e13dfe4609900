import fs from 'node:fs';
import { messageOf, UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { decodedDocuments } from '../dataset/preview.ts';
import { type Fault, faultOf } from '../formats/fileError.ts';
import { allEmpty, defaultValFraction, type Input, unreadable } from '../inputs/inputs.ts';
import { describeEndings, findFiles } from '../inputs/walk.ts';
import { everything } from '../subsets.ts';
import { getTokenizer } from '../tokenizers/index.ts';
import { type Parsed, type Selection, validation } from './documents.ts';
import { isHeldBackFromEnd } from './holdBack.ts';
import type { PrepareOptions } from './options.ts';
import parseJob from './parse.worker.ts';
import {
  absentField,
  badDocuments,
  badPart,
  badText,
  noSeparator,
  nothingTaken,
  requireSense,
  skippedText,
} from './problems.ts';
import { type Step, steps } from './reading.ts';
import { shownText } from './shown.ts';
import { Tally } from './tally.ts';
import { separatorOf } from './text/separator.ts';

export interface PreviewOptions extends Pick<
  PrepareOptions,
  'inputs' | 'shownAs' | 'tokenizer' | 'splitOn' | 'textField' | 'where' | 'subset' | 'valFraction' | 'skipBadFiles'
> {
  /** How long files are looked for and read, in milliseconds. Default: 8 seconds. */
  readonly limitMs?: number;
}

export interface PreviewedFile {
  readonly path: string;
  readonly bytes: number;
  /** Name of its format, and how it is compressed: `none` where it is not. */
  readonly format: string;
  readonly compression: string;
  /** What should be known of how it is taken, as a predicate: "is taken as plain text". */
  readonly notice: string | null;
}

/** A document as a model is given it. */
export interface PreviewedDocument {
  readonly path: string;
  /** Its first tokens, decoded. */
  readonly text: string;
  /** Whether it is longer than that. */
  readonly isCut: boolean;
  /** All of its tokens, without the one that ends it; null of a text that was not read to its end. */
  readonly tokens: number | null;
  /** Where its content puts it; null where the end of all text is for validation instead. */
  readonly split: 'train' | 'val' | null;
}

/** What tokenizing would read, found by reading the begin of it. */
export interface TextPreview {
  readonly files: number;
  readonly bytes: number;
  /** The first of the files. */
  readonly shownFiles: readonly PreviewedFile[];
  /** How many files have each format, the most frequent first. */
  readonly formats: readonly { readonly format: string; readonly files: number }[];
  readonly documents: readonly PreviewedDocument[];
  /** The field of the text, and those that have text to choose among; none where files are plain text. */
  readonly textField: string;
  readonly fields: readonly string[];
  /** What is wrong, as tokenizing says it. */
  readonly problems: readonly string[];
  readonly moreProblems: number;
  /** Files in folders that are not taken, such as `3 .png`; null where there are none. */
  readonly notTaken: string | null;
  /** Whether all that there is was read: else there may be problems that are not known. */
  readonly isWhole: boolean;
}

/** What is shown, and read for that. */
const [maxFiles, maxDocuments, maxTokens, maxProblems] = [100, 12, 320, 20];
/** Files that are read, documents of each, and bytes of each. */
const [filesRead, documentsOfFile, bytesOfFile] = [20, 3, 4 << 20];
const rowsAtOnce = 32;

/** The time is up. */
class Enough extends Error {}

/**
 * Shows what a dataset would be made of, by what makes it: files are found, recognized, cut into documents and tokenized as they would be, but no more
 * than the first documents of the first files. Nothing is written.
 * @throws UserError when nothing can be shown; the signal's reason
 */
export async function previewText(options: PreviewOptions, signal?: AbortSignal): Promise<TextPreview> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Enough()), options.limitMs ?? 8000);
  try {
    return await new Previewing(options, signal ? AbortSignal.any([signal, late.signal]) : late.signal).run();
  } finally {
    clearTimeout(timer);
  }
}

class Previewing {
  readonly #options: PreviewOptions;
  readonly #signal: AbortSignal;
  readonly #files: Input[] = [];
  readonly #documents: PreviewedDocument[] = [];
  readonly #fields = new Set<string>();
  readonly #problems: string[] = [];
  readonly #tally = new Tally();
  #more = 0;
  #good = 0;
  #textBytes = 0;
  #separators = 0;
  #isWhole = true;

  constructor(options: PreviewOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async run(): Promise<TextPreview> {
    const { splitOn, textField = 'text', where = [], subset = everything, tokenizer } = this.#options;
    const separator = splitOn === undefined ? undefined : separatorOf(splitOn);
    const notTaken = await this.#find();
    if (this.#files.length > 0) {
      this.#refusal(() => requireSense(this.#files, this.#options));
      const valFraction = this.#options.valFraction ?? defaultValFraction(this.#files);
      const selection: Selection = { tokenizer, textField, where, subset, valFraction, listFields: true };
      const fromEnd = isHeldBackFromEnd(this.#files, separator);
      for (const input of this.#files.slice(0, filesRead)) {
        if (this.#signal.aborted) break;
        await this.#read(input, selection, separator, fromEnd);
      }
      if (this.#files.length > filesRead) this.#isWhole = false;
      if (this.#isWhole) this.#judge(textField);
    }
    this.#requireTime();
    const formats = Map.groupBy(this.#files, ({ format }) => format);
    return {
      files: this.#files.length,
      bytes: this.#files.reduce((n, { bytes }) => n + bytes, 0),
      shownFiles: this.#files.slice(0, maxFiles).map(({ path, bytes, format, compression, notice }) => ({
        ...{ path: this.#shown(path), bytes, format, compression },
        notice: notice ?? null,
      })),
      formats: [...formats].map(([format, { length: files }]) => ({ format, files })).sort((a, b) => b.files - a.files),
      documents: this.#documents,
      textField,
      fields: [...this.#fields],
      problems: this.#problems.map((problem) => this.#shown(problem)),
      moreProblems: this.#more,
      notTaken,
      isWhole: this.#isWhole,
    };
  }

  /** Each path by itself: what is wrong with one says nothing of the others. @returns what is not taken, in words */
  async #find(): Promise<string | null> {
    const { inputs, skipBadFiles, textField } = this.#options;
    const found = new Map<string, Input>();
    const empty: string[] = [];
    const endings: Record<string, number> = {};
    for (const input of inputs) {
      try {
        const { files, refused, notTaken } = await findFiles([input], {
          signal: this.#signal,
          skipBadFiles,
          textField,
        });
        for (const { path: file, error } of refused) this.#fault(file, faultOf(error)!);
        for (const [ending, n] of Object.entries(notTaken.endings)) endings[ending] = (endings[ending] ?? 0) + n;
        for (const file of files) {
          if (found.has(file.path)) continue;
          const { size, mtimeMs } = fs.statSync(file.path);
          if (size === 0) empty.push(file.path);
          // What tells it from others is not needed where nothing is made of it.
          else found.set(file.path, { ...file, bytes: size, modifiedMs: mtimeMs, edge: '', sha256: '' });
        }
      } catch (error) {
        if (error instanceof Enough)
          throw new UserError(`${input} has too many files to preview: tokenize it, or name files in it.`);
        if (isSystemError(error)) this.#problem(`The path ${input} can't be read: ${meaningOf(error)}.`);
        else if (error instanceof UserError) this.#problem(messageOf(error));
        else throw error;
      }
    }
    this.#files.push(...found.values());
    if (found.size === 0 && empty.length > 0) this.#problem(messageOf(allEmpty(empty)));
    else if (empty.length > 0) endings['empty'] = empty.length;
    return Object.keys(endings).length === 0 ? null : describeEndings(endings);
  }

  /** Reads the first documents of a file. */
  async #read(
    input: Input,
    selection: Selection,
    separator: ReturnType<typeof separatorOf> | undefined,
    fromEnd: boolean,
  ): Promise<void> {
    let [taken, bytes, absent, others] = [0, 0, 0, 0];
    let whyAbsent: string | undefined;
    const reading = steps([input], {
      selection,
      separator,
      longest: 64 << 20,
      signal: this.#signal,
      onRead: (read) => (bytes += read),
      maxRows: rowsAtOnce,
      onColumns: (columns) => columns.forEach((column) => this.#fields.add(column)),
    });
    const judgeAbsent = (): void => {
      if (absent > 0 && others === 0) this.#problem(absentField(input, whyAbsent));
      else this.#tally.empty += absent;
    };
    try {
      let isEnough = false;
      for await (const step of reading) {
        this.#signal.throwIfAborted();
        if (isEnough && step.type !== 'ends') {
          this.#isWhole = false;
          break;
        }
        const parsed = 'job' in step ? await parseJob(step.job) : undefined;
        if (parsed) {
          absent += parsed.absent.documents;
          others += parsed.good - parsed.absent.documents - parsed.tally.filtered;
          whyAbsent ??= parsed.absent.reason;
        }
        taken += this.#take(step, parsed, documentsOfFile - taken, fromEnd, separator !== undefined);
        isEnough = taken >= documentsOfFile || bytes >= bytesOfFile;
      }
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      this.#isWhole = false;
    }
    judgeAbsent();
  }

  /** @param wanted documents at most @returns how many were taken */
  #take(step: Step, parsed: Parsed | undefined, wanted: number, fromEnd: boolean, isSplit: boolean): number {
    switch (step.type) {
      case 'documents': {
        for (const bad of parsed!.bad) this.#problem(badDocuments(step.input, bad));
        return this.#add(parsed!, wanted, fromEnd, () => step.input);
      }
      case 'bad':
        this.#problem(badDocuments(step.input, step.bad));
        return 0;
      case 'texts': {
        for (const { line, reason, at } of parsed!.bad) {
          const { input, offset } = step.documents[line]!;
          this.#badText(input, reason, offset + at!, isSplit);
        }
        return this.#add(parsed!, wanted, fromEnd, () => step.documents[0]!.input);
      }
      case 'part': {
        const { input, segment } = step;
        const [bad] = parsed!.bad;
        if (bad) this.#badText(input, bad.reason, segment.offset + bad.at!, isSplit);
        this.#textBytes += parsed!.textBytes;
        if (segment.last) this.#good++;
        if (bad || !segment.first || this.#documents.length >= maxDocuments) return 0;
        this.#documents.push({
          path: this.#shown(input.path),
          ...this.#begin(parsed!.tokens),
          tokens: null,
          split: null,
        });
        return wanted;
      }
      case 'fault':
        this.#fault(step.input.path, step.fault);
        return 0;
      case 'ends':
        for (const { separators } of step.files) this.#separators += separators;
        return 0;
    }
  }

  #add(parsed: Parsed, wanted: number, fromEnd: boolean, inputOf: () => Input): number {
    const { tokens, ends, places, fields = [] } = parsed;
    for (const field of fields) this.#fields.add(field);
    this.#good += parsed.good;
    this.#textBytes += parsed.textBytes;
    this.#tally.add(parsed.tally);
    const count = Math.min(wanted, ends.length, maxDocuments - this.#documents.length);
    for (let i = 0; i < count; i++) {
      const begin = i === 0 ? 0 : ends[i - 1]!;
      // The last one ends it.
      const own = tokens.subarray(begin, ends[i]! - 1);
      const split = fromEnd ? null : places[i] === validation ? 'val' : 'train';
      this.#documents.push({ path: this.#shown(inputOf().path), ...this.#begin(own), tokens: own.length, split });
    }
    return Math.min(wanted, ends.length);
  }

  /** The text of the first tokens; a character that is cut in two is not in it. */
  #begin(tokens: ArrayLike<number>): { text: string; isCut: boolean } {
    const isCut = tokens.length > maxTokens;
    const first = Array.from({ length: Math.min(tokens.length, maxTokens) }, (_, i) => tokens[i]!);
    const [text = ''] = decodedDocuments(getTokenizer(this.#options.tokenizer), first);
    return { text: isCut ? text.replace(/\ufffd+$/, '') : text, isCut };
  }

  #badText(input: Input, reason: string, at: number, isSplit: boolean): void {
    if (isSplit) this.#problem(badPart(input, reason, at));
    else if (this.#options.skipBadFiles) this.#fault(input.path, skippedText(reason, at));
    else this.#problem(messageOf(badText(input, reason, at)));
  }

  /** A file that can't be read: it stops the work, or is listed among those that were left out. */
  #fault(file: string, fault: Fault): void {
    this.#problem(this.#options.skipBadFiles ? `${file}: ${fault.reason}` : messageOf(unreadable(file, fault)));
  }

  /** What is wrong with all of it together. */
  #judge(textField: string): void {
    const { splitOn } = this.#options;
    if (splitOn !== undefined && this.#separators === 0) this.#problem(messageOf(noSeparator(splitOn)));
    const nothing = nothingTaken(this.#tally, this.#good, this.#textBytes, textField);
    if (nothing) this.#problem(messageOf(nothing));
  }

  #refusal(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#problem(messageOf(error));
    }
  }

  #problem(what: string): void {
    if (this.#problems.includes(what)) return;
    if (this.#problems.length < maxProblems) this.#problems.push(what);
    else this.#more++;
  }

  /** @throws the reason of whoever does not want it any more */
  #requireTime(): void {
    if (this.#signal.aborted && !(this.#signal.reason instanceof Enough)) throw this.#signal.reason;
  }

  /** A file, or a text that names one, as people know it. */
  #shown(text: string): string {
    return shownText(text, this.#options.shownAs);
  }
}
