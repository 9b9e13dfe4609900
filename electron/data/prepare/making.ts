import { formatCount, formatPercent, plural } from '../../base/format.ts';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { tokenBytesOf, tokensOf } from '../../base/tokens.ts';
import { writeManifest } from '../dataset/make.ts';
import { type Manifest, widthOf } from '../dataset/index.ts';
import { showSubset } from '../subsets.ts';
import { getTokenizer } from '../tokenizers/index.ts';
import { type Parsed, placeOfHash, type Selection, type Unusable } from './documents.ts';
import type { Fault } from '../formats/fileError.ts';
import { documentFormatOf } from '../formats/index.ts';
import { type Input, type Inputs, isUnchanged, type SkippedFile, unreadable } from '../inputs/inputs.ts';
import {
  type FileTally,
  type FinishedFile,
  type Journal,
  type JournalEntry,
  type Mark,
  readJournal,
  removeJournal,
  type WithinFile,
  writeJournal,
} from './journal.ts';
import { defaultMaxBad, type PrepareOptions } from './options.ts';
import { absentField, badDocuments, badPart, badText, noSeparator, nothingTaken, skippedText } from './problems.ts';
import { shownText } from './shown.ts';
import { NoThreads, ParsePool, type Parser } from './pool.ts';
import { digestOf, type FileEnd, fileOfStep, type Step, steps } from './reading.ts';
import { Tally } from './tally.ts';
import type { TextDocument } from './text/batch.ts';
import type { Segment } from './text/cutter.ts';
import { textFormat } from './text/parse.ts';
import type { Separator } from './text/separator.ts';
import { type Order, removeOrder, writeOrder } from './unfinished.ts';
import { emptyState, type LongDocument, Writers } from './writers.ts';

const maxBadLines = 20;
const maxNotices = 10;
const littleBytes = 256 << 10;
/** Whether a file is read from its begin to its end, which ends. */
const isStreamed = ({ format }: Input): boolean => format === textFormat || documentFormatOf(format).reads === 'stream';
/** After so many documents of a file without the field of the text it is taken for a field that the file does not have. */
const enoughAbsent = 100_000;
/** Work that may be lost with the process. */
const defaultJournalMs = 2000;
/** Of the time that work takes, keeping how far it is takes no more than a part of so many. */
const journalShare = 20;

/** Every document is for validation, by its hash: none is left to train on. */
export class AllHeldBack extends Error {}

/** A file is not what it was when its first part was done. */
export class FileDiffers extends Error {
  readonly file: string;

  constructor(file: string) {
    super(`${file} is not what it was when tokenizing stopped`);
    this.file = file;
  }
}

/** What a dataset is made from, and how. */
export interface Plan {
  readonly inputs: Inputs;
  readonly selection: Selection;
  readonly separator: Separator | undefined;
  /** Whether validation is held back from the end of the text, rather than by documents. */
  readonly fromEnd: boolean;
  readonly name: string;
  readonly key: string;
  /** The folder that it is made in. */
  readonly dir: string;
  readonly order: Order;
  /** Why what was done before was not gone on with. */
  readonly anew?: string | undefined;
}

/** A dataset on its way: files are read one after another, and what is done is kept. */
export class Making {
  readonly #options: PrepareOptions;
  readonly #plan: Plan;
  /** As threads are given it. */
  readonly #selection: Selection;
  readonly #writers: Writers;
  readonly #done: FinishedFile[];
  readonly #badLines: string[];
  readonly #skipped: SkippedFile[];
  /** Of files that are read, but not finished. */
  readonly #tallies: Map<string, FileTally>;
  readonly #tally: Tally;
  #textBytes: number;
  #markers: number;
  #separators: number;
  #tokens = 0;
  #good = 0;
  #bad = 0;
  #rejections = 0;
  #doneBytes = 0;
  /** The long document that is being written. */
  #long: { readonly document: LongDocument; textBytes: number; markers: number } | undefined;
  /** Where it was left within a file: what comes before is passed over. */
  readonly #resumed: WithinFile | undefined;
  /** What was last kept behind a file that is done. */
  #kept: JournalEntry;
  /** When it is next kept how far it is. */
  #journalAt = -Infinity;

  constructor(options: PrepareOptions, plan: Plan) {
    const { dir, order, selection, fromEnd } = plan;
    this.#options = options;
    this.#plan = plan;
    this.#selection = fromEnd ? { ...selection, valFraction: 0 } : selection;
    fs.mkdirSync(dir, { recursive: true });
    const read = readJournal(dir);
    const journal = read?.fromEnd === undefined || read.fromEnd === fromEnd ? read : undefined;
    this.#kept = journal ?? emptyEntry;
    this.#resumed = journal?.within;
    const before = journal?.within ?? journal;
    // Without a journal what is there is of no use.
    if (!before) for (const entry of fs.readdirSync(dir)) fs.rmSync(path.join(dir, entry), { force: true });
    writeOrder(dir, order);
    this.#writers = new Writers(
      dir,
      options.shardTokens ?? 100_000_000,
      tokenBytesOf(getTokenizer(selection.tokenizer).vocabSize),
      before?.writers,
    );
    const document = this.#writers.openLongDocument();
    if (document) this.#long = { document, textBytes: 0, markers: 0, ...journal?.within?.long };
    this.#tallies = new Map(Object.entries(journal?.within?.tallies ?? {}).map(([file, t]) => [file, { ...t }]));
    this.#done = [...(before?.done ?? [])];
    this.#badLines = [...(before?.badLines ?? [])];
    this.#skipped = [...plan.inputs.skipped, ...(before?.skipped ?? [])];
    this.#tally = new Tally(before?.tally);
    this.#textBytes = before?.textBytes ?? 0;
    this.#markers = before?.markers ?? 0;
    this.#separators = before?.separators ?? 0;
    for (const { bytes } of this.#done) this.#doneBytes += bytes;
    for (const { documents, bad } of [...this.#done, ...this.#tallies.values()]) {
      this.#good += documents;
      this.#bad += bad;
    }
    this.#tokens = this.#writers.tokens;
  }

  /** @throws AllHeldBack, FileDiffers, UserError */
  async run(): Promise<Manifest> {
    const threads = Math.max(1, this.#options.threads ?? os.availableParallelism());
    const { inputs } = this.#plan.inputs;
    // Threads take longer to start than a little text takes.
    const isLittle = this.#plan.order.totalBytes <= littleBytes && inputs.every(isStreamed);
    const pool = isLittle ? new NoThreads() : new ParsePool(threads);
    try {
      await this.#work(pool);
      return this.#finish();
    } finally {
      this.#writers.abandon();
      await pool.close();
    }
  }

  /** What is parsed by several threads at once is written in its order. */
  async #work(pool: Parser): Promise<void> {
    const { separator, inputs } = this.#plan;
    const reading = steps(inputs.inputs.slice(this.#done.length), {
      selection: this.#selection,
      separator,
      longest: this.#options.longestLine ?? 64 << 20,
      signal: this.#options.signal,
      onRead: (bytes) => (this.#doneBytes += bytes),
    });
    const flying: { step: Step; mark: Mark; parsed: Promise<Parsed> | undefined }[] = [];
    let jobs = 0;
    let finishedBytes = this.#doneBytes;
    let mark: Mark = noMark;
    const land = async (): Promise<void> => {
      const { step, mark: at, parsed } = flying.shift()!;
      if (parsed) jobs--;
      this.#land(step, await parsed);
      const input = fileOfStep(step);
      if (step.type === 'ends') this.#keepEnd();
      else if (input) this.#keepWithin(input, at);
    };
    let passing = this.#resumed;
    for await (const step of reading) {
      this.#options.signal?.throwIfAborted();
      if (step.type === 'ends') {
        if (passing) throw new FileDiffers(step.files[0]!.input.path);
        finishedBytes = this.#doneBytes;
        mark = noMark;
      } else {
        const { steps: n, digest } = mark;
        mark = { steps: n + 1, digest: digestOf(step, digest), bytes: this.#doneBytes - finishedBytes };
      }
      if (passing) {
        passing = this.#passed(step, mark, passing);
        continue;
      }
      const parsed = 'job' in step ? pool.parse(step.job) : undefined;
      if (parsed) jobs++;
      parsed?.catch(() => {}); // it is awaited in its turn
      flying.push({ step, mark, parsed });
      while (flying.length > 0 && (jobs > pool.threads + 1 || !flying[0]!.parsed)) await land();
    }
    while (flying.length > 0) {
      this.#options.signal?.throwIfAborted();
      await land();
    }
  }

  /**
   * Passes a step over that was taken before.
   * @returns what is to be passed yet
   * @throws FileDiffers when it is another one
   */
  #passed(step: Step, { steps: n, digest }: Mark, resumed: WithinFile): WithinFile | undefined {
    const input = fileOfStep(step);
    this.#report();
    if (n < resumed.mark.steps) return resumed;
    if (!input || digest !== resumed.mark.digest || !isAsLeft(input, resumed))
      throw new FileDiffers((input ?? this.#plan.inputs.inputs[resumed.done.length]!).path);
    return undefined;
  }

  /** Takes a step in its turn. */
  #land(step: Step, parsed: Parsed | undefined): void {
    switch (step.type) {
      case 'documents':
        this.#take(parsed!);
        this.#tallyOf(step.input).documents += parsed!.good;
        for (const bad of parsed!.bad) this.#rejectIn(step.input, bad);
        this.#takeAbsent(step.input, parsed!);
        break;
      case 'bad':
        this.#rejectIn(step.input, step.bad);
        break;
      case 'texts':
        this.#takeTexts(step.documents, parsed!);
        break;
      case 'part':
        this.#takePart(step.input, step.segment, parsed!);
        break;
      case 'fault':
        this.#fault(step.input, step.fault);
        break;
      case 'ends':
        this.#end(step.files);
        break;
    }
    this.#report();
  }

  #report(): void {
    this.#options.onProgress?.({
      doneBytes: this.#doneBytes,
      totalBytes: this.#plan.order.totalBytes,
      textBytes: this.#textBytes + (this.#long?.textBytes ?? 0),
      tokens: this.#tokens,
      bad: this.#bad,
    });
  }

  #take(parsed: Parsed): void {
    this.#writers.write(parsed);
    this.#tokens += parsed.tokens.length;
    this.#textBytes += parsed.textBytes;
    this.#markers += parsed.markers;
    this.#good += parsed.good;
    this.#tally.add(parsed.tally);
  }

  #takeTexts(documents: readonly TextDocument[], parsed: Parsed): void {
    this.#take(parsed);
    for (const { input } of documents) this.#tallyOf(input).documents++;
    for (const { line, reason, at } of parsed.bad) {
      const { input, offset } = documents[line]!;
      this.#tallyOf(input).documents--;
      this.#badText(input, reason, offset + at!);
    }
  }

  #takePart(input: Input, { first, last, offset, sha256 }: Omit<Segment, 'bytes'>, parsed: Parsed): void {
    if (first) this.#long = { document: this.#writers.longDocument(), textBytes: 0, markers: 0 };
    const long = this.#long;
    if (!long) return; // a part of it was bad
    const [bad] = parsed.bad;
    if (bad) {
      long.document.discard();
      this.#long = undefined;
      return this.#badText(input, bad.reason, offset + bad.at!);
    }
    long.document.write(parsed.tokens);
    long.textBytes += parsed.textBytes;
    long.markers += parsed.markers;
    this.#tokens += parsed.tokens.length;
    if (!last) return;
    this.#long = undefined;
    const { vocabSize, endOfText } = getTokenizer(this.#selection.tokenizer);
    long.document.write(tokensOf(vocabSize, [endOfText]));
    const place = placeOfHash(sha256!, this.#selection);
    if (place === undefined) long.document.discard();
    else {
      long.document.keep(place);
      this.#textBytes += long.textBytes;
      this.#markers += long.markers;
    }
    this.#good++;
    this.#tallyOf(input).documents++;
  }

  /** A text that is split has a bad document; one that is not is a file that can't be read. */
  #badText(input: Input, reason: string, at: number): void {
    if (this.#plan.separator) return this.#reject(input, badPart(input, reason, at));
    if (!this.#options.skipBadFiles) throw badText(input, reason, at);
    this.#fault(input, skippedText(reason, at));
  }

  #fault(input: Input, fault: Fault): void {
    if (!this.#options.skipBadFiles) throw unreadable(input.path, fault);
    if (this.#long) {
      this.#long.document.discard();
      this.#long = undefined;
    }
    const tally = this.#tallyOf(input);
    if (tally.isSkipped) return;
    tally.isSkipped = true;
    const kept =
      tally.documents > 0
        ? `; ${plural(tally.documents, 'document')} before that ${tally.documents === 1 ? 'is' : 'are'} taken`
        : '';
    this.#skipped.push({ path: input.path, reason: `${fault.reason}${kept}` });
  }

  #takeAbsent(input: Input, { good, absent, tally }: Parsed): void {
    const own = this.#tallyOf(input);
    own.hasField ||= good > absent.documents + tally.filtered;
    own.absent += absent.documents;
    own.whyAbsent ??= absent.reason;
    if (own.hasField || own.absent < enoughAbsent) return;
    this.#judgeAbsent(input);
    this.#requireGood();
  }

  /** Documents without the field of the text are empty ones, like those with null in it; unless the whole file has no such field. */
  #judgeAbsent(input: Input): void {
    const own = this.#tallyOf(input);
    const { absent, whyAbsent } = own;
    if (absent === 0) return;
    own.absent = 0;
    if (own.hasField) {
      this.#tally.empty += absent;
      return;
    }
    this.#good -= absent;
    own.documents -= absent;
    this.#reject(input, absentField(input, whyAbsent), absent);
  }

  #tallyOf({ path: file }: Input): FileTally {
    let tally = this.#tallies.get(file);
    if (!tally)
      this.#tallies.set(file, (tally = { documents: 0, bad: 0, isSkipped: false, hasField: false, absent: 0 }));
    return tally;
  }

  #end(files: readonly FileEnd[]): void {
    for (const { input, sha256, separators } of files) {
      if (!isUnchanged(input))
        throw new UserError(`The file ${input.path} was changed while it was read: start again when it is complete.`);
      this.#judgeAbsent(input);
      const { documents, bad } = this.#tallyOf(input);
      this.#tallies.delete(input.path);
      this.#separators += separators;
      this.#done.push({ path: input.path, bytes: input.bytes, sha256, documents, bad });
    }
  }

  #keepEnd(): void {
    this.#keep((entry) => (this.#kept = entry));
  }

  #keepWithin({ modifiedMs }: Input, mark: Mark): void {
    const long = this.#long && { textBytes: this.#long.textBytes, markers: this.#long.markers };
    this.#keep((entry) => {
      const within = { ...entry, mark, modifiedMs, tallies: Object.fromEntries(this.#tallies), long };
      return { ...this.#kept, within };
    });
  }

  /** Keeps how far it is, now and then: a hundred files of shards are synced for it. */
  #keep(journal: (entry: JournalEntry) => Journal): void {
    const begin = performance.now();
    if (begin < this.#journalAt) return;
    const entry: JournalEntry = {
      writers: this.#writers.sync(),
      done: [...this.#done],
      textBytes: this.#textBytes,
      badLines: [...this.#badLines],
      skipped: this.#skipped.slice(this.#plan.inputs.skipped.length),
      markers: this.#markers,
      separators: this.#separators,
      tally: this.#tally.counts,
    };
    writeJournal(this.#plan.dir, { ...journal(entry), fromEnd: this.#plan.fromEnd });
    this.#writers.removeDropped();
    const end = performance.now();
    const { journalMs = defaultJournalMs } = this.#options;
    this.#journalAt = end + Math.max(journalMs, journalMs && journalShare * (end - begin));
  }

  #rejectIn(input: Input, bad: Unusable): void {
    this.#reject(input, badDocuments(input, bad), bad.lines);
  }

  /** @param lines so many of them */
  #reject(input: Input, what: string, lines = 1): void {
    this.#tallyOf(input).bad += lines;
    this.#bad += lines;
    this.#rejections++;
    if (this.#badLines.length < maxBadLines) this.#badLines.push(what);
    // Files of something else: told now rather than after all of them.
    if (this.#rejections % 1000 === 0 && this.#bad > this.#good) this.#requireGood();
  }

  /** A file, or a text that names one, as people know it. */
  #shown(file: string): string {
    return shownText(file, this.#options.shownAs);
  }

  #requireGood(): void {
    const { maxBad = defaultMaxBad } = this.#options;
    const all = this.#good + this.#bad;
    if (this.#bad <= maxBad * all) return;
    const examples = this.#badLines.slice(0, 3).join('; ');
    throw new UserError(
      `${formatCount(this.#bad)} of ${plural(all, 'document')} can't be read (limit ${formatPercent(maxBad)}, --max-bad): ${examples}.`,
    );
  }

  #finish(): Manifest {
    const { name, key, dir, inputs, selection } = this.#plan;
    const { notTaken } = inputs;
    const { tokenizer, textField, where, subset, valFraction } = selection;
    const { splitOn } = this.#options;
    this.#requireGood();
    if (splitOn !== undefined && this.#separators === 0) throw noSeparator(splitOn);
    const nothing = nothingTaken(this.#tally, this.#good, this.#textBytes, textField);
    if (nothing) throw nothing;
    // What comes next can't be taken up in the middle.
    removeJournal(dir);
    const written = this.#writers.finish(valFraction);
    if (written.trainTokens === 0 && written.valTokens > 1) throw new AllHeldBack();
    if (written.trainTokens === 0 || written.valTokens === 0) {
      throw new UserError(
        `No document is left to train on (${plural(this.#good, 'document')}, documents ${showSubset(subset)}): use more text, or choose more of it.`,
      );
    }
    const { vocabSize } = getTokenizer(tokenizer);
    const manifest: Manifest = {
      version: 1,
      name,
      tokenizer,
      vocabSize,
      ...widthOf(vocabSize),
      ...written,
      sources: this.#done.map(({ path: file, bytes, sha256 }) => ({ path: this.#shown(file), bytes, sha256 })),
      documents: this.#good,
      bad: { lines: this.#bad, examples: this.#badLines.map((what) => this.#shown(what)) },
      textBytes: this.#textBytes,
      copies: inputs.copies.map((c) => ({ path: this.#shown(c.path), of: this.#shown(c.of) })),
      skipped: this.#skipped.map(({ path: file, reason }) => ({ path: this.#shown(file), reason })),
      ...(notTaken.files > 0
        ? { notTaken: { ...notTaken, examples: notTaken.examples.map((e) => ({ ...e, path: this.#shown(e.path) })) } }
        : {}),
      markers: this.#markers,
      notices: this.#notices,
      key,
      settings: { valFraction, ...(splitOn === undefined ? {} : { splitOn }), textField, where: [...where], subset },
      createdAt: new Date().toISOString(),
    };
    removeOrder(dir);
    writeManifest(dir, manifest);
    return manifest;
  }

  /** What the user should know of how files and documents were taken. */
  get #notices(): string[] {
    const files = this.#plan.inputs.inputs.flatMap(({ path: file, notice }) =>
      notice === undefined ? [] : [`${this.#shown(file)} ${notice}`],
    );
    const more = files.length > maxNotices ? [`and so are ${plural(files.length - maxNotices, 'more file')}`] : [];
    const anew = this.#plan.anew === undefined ? [] : [this.#shown(this.#plan.anew)];
    return [...anew, ...files.slice(0, maxNotices), ...more, ...this.#tally.notices];
  }
}

const emptyEntry: JournalEntry = {
  writers: emptyState,
  done: [],
  textBytes: 0,
  badLines: [],
  skipped: [],
  markers: 0,
  separators: 0,
};

const noMark: Mark = { steps: 0, digest: 0, bytes: 0 };

/** Whether a file may be what it was: what is in one that is read here and there is not in its steps. */
const isAsLeft = (input: Input, { modifiedMs }: WithinFile): boolean =>
  isStreamed(input) || input.modifiedMs === modifiedMs;
