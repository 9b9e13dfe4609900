import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as breath } from 'node:timers/promises';
import { UserError } from '../../base/errors.ts';
import { formatCount, plural } from '../../base/format.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import type { FileError } from '../formats/fileError.ts';
import { identify } from '../formats/identify.ts';
import type { CorpusFile } from '../formats/index.ts';

/** Files in folders that are not taken. */
export interface NotTaken {
  readonly files: number;
  /** How many of each ending. */
  readonly endings: Readonly<Record<string, number>>;
  /** The first of them, with what speaks against each. */
  readonly examples: readonly { readonly path: string; readonly reason: string }[];
}

export interface Found {
  readonly files: readonly CorpusFile[];
  /** Files that should have documents, and have none that can be read. */
  readonly refused: readonly { readonly path: string; readonly error: FileError }[];
  readonly notTaken: NotTaken;
}

export interface FindOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether folders that can't be listed are left out, rather than being a reason to stop. */
  readonly skipBadFiles?: boolean | undefined;
  /** The field of documents that has their text. Default: `text`. */
  readonly textField?: string | undefined;
}

/** Beyond these nobody means a folder of text: a folder of mounted folders, or the whole disk. */
const [maxEntries, maxDepth] = [20_000_000, 200];
const maxExamples = 20;
/** Files are looked into without a pause until so many are. */
const filesAtOnce = 64;

/**
 * The files of documents that paths, folders and globs name, in a fixed order, each once.
 * @throws UserError when a path is missing, can't be read, or names no text
 */
export async function findFiles(inputs: readonly string[], options: FindOptions = {}): Promise<Found> {
  const search = new Search(options);
  const files = new Map<string, CorpusFile>();
  for (const input of inputs) {
    try {
      for (const file of await search.expand(input)) {
        const resolved = path.resolve(file.path);
        if (!files.has(resolved)) files.set(resolved, { ...file, path: resolved });
      }
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new UserError(`The path ${input} can't be read: ${meaningOf(error)}.`);
    }
  }
  return { files: [...files.values()], refused: search.refused, notTaken: search.notTaken };
}

class Search {
  readonly #options: FindOptions;
  readonly #endings: Record<string, number> = {};
  readonly #examples: { path: string; reason: string }[] = [];
  readonly refused: { path: string; error: FileError }[] = [];
  #entries = 0;
  #left = 0;

  constructor(options: FindOptions) {
    this.#options = options;
  }

  get notTaken(): NotTaken {
    return { files: this.#left, endings: this.#endings, examples: this.#examples };
  }

  async expand(input: string): Promise<CorpusFile[]> {
    const stat = await statOf(input);
    if (stat?.isFile()) return this.#identified([input], true);
    if (stat?.isDirectory()) return this.#folder(input);
    if (stat) throw new UserError(`${input} is ${specialKind(stat)}, not a file: name a file or a folder.`);
    if (/[*?[{]/.test(input)) return this.#glob(input);
    throw new UserError(`There is no file or folder ${input}: check the path.`);
  }

  async #glob(pattern: string): Promise<CorpusFile[]> {
    const found: string[] = [];
    for await (const file of fs.promises.glob(pattern)) {
      this.#count(pattern);
      if ((await statOf(file))?.isFile()) found.push(file);
    }
    if (found.length === 0) throw new UserError(`No file matches ${pattern}: check the pattern.`);
    return this.#identified(found.sort(), true);
  }

  /** @param named whether the files were named, rather than a folder of them */
  async #identified(files: readonly string[], named: boolean): Promise<CorpusFile[]> {
    const { textField = 'text' } = this.#options;
    const taken: CorpusFile[] = [];
    for (const [i, file] of files.entries()) {
      if (i % filesAtOnce === 0) await breath();
      this.#options.signal?.throwIfAborted();
      const found = await identify(file, { named, textField });
      if ('file' in found) taken.push(found.file);
      else if (found.expected) this.#leave(file, `it ${found.refused.message}: ${found.refused.advice}`);
      else this.refused.push({ path: path.resolve(file), error: found.refused });
    }
    return taken;
  }

  async #folder(root: string): Promise<CorpusFile[]> {
    const before = this.refused.length;
    const files = await this.#identified((await this.#filesBelow(root)).sort(), false);
    if (files.length > 0 || this.refused.length > before) return files;
    const there = this.#left > 0 ? ` (but ${describeEndings(this.#endings)})` : '';
    throw new UserError(
      `The folder ${root} holds no files of text, JSON or tables (.txt, .md, .json, .jsonl, .csv, .parquet, .arrow and others)${there}: name the files themselves.`,
    );
  }

  /** All files below a folder. Links are followed once, after everything that is there itself: so cycles end. */
  async #filesBelow(root: string): Promise<string[]> {
    const files: string[] = [];
    const visited = new Set<string>();
    const folders: { dir: string; depth: number; isLink: boolean }[] = [{ dir: root, depth: 0, isLink: false }];
    const links: { link: string; depth: number }[] = [];
    for (;;) {
      const folder = folders.pop();
      if (!folder) {
        const next = links.shift();
        if (!next) return files;
        const target = await this.#followed(next.link);
        if (target === 'file') files.push(next.link);
        else if (target === 'folder') folders.push({ dir: next.link, depth: next.depth, isLink: true });
        continue;
      }
      const { dir, depth, isLink } = folder;
      const real = await fs.promises.realpath(dir);
      if (visited.has(real)) {
        if (isLink) this.#leave(dir, 'a link to a folder that is read already', 'links');
        continue;
      }
      visited.add(real);
      if (depth > maxDepth) {
        this.#leave(dir, `more than ${maxDepth} folders deep`);
        continue;
      }
      for (const entry of await this.#entriesOf(dir)) {
        const at = path.join(dir, entry.name);
        this.#count(root);
        if (entry.isFile()) files.push(at);
        else if (entry.isDirectory()) folders.push({ dir: at, depth: depth + 1, isLink: false });
        else if (entry.isSymbolicLink()) links.push({ link: at, depth: depth + 1 });
        else this.#leave(at, `${specialKind(entry)}, not a file`);
      }
    }
  }

  async #entriesOf(dir: string): Promise<fs.Dirent[]> {
    try {
      const entries = await fs.promises.readdir(dir, { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (!this.#options.skipBadFiles)
        throw new UserError(
          `The folder ${dir} can't be read: ${meaningOf(error)}. Give access to it, or skip it with --skip-bad-files.`,
        );
      this.#leave(dir, `the folder can't be read: ${meaningOf(error)}`);
      return [];
    }
  }

  async #followed(link: string): Promise<'file' | 'folder' | undefined> {
    const stat = await statOf(link).catch((error: unknown) => {
      if (!isSystemError(error)) throw error;
      return undefined; // in a circle
    });
    if (stat?.isFile()) return 'file';
    if (stat?.isDirectory()) return 'folder';
    if (stat) this.#leave(link, `${specialKind(stat)}, not a file`);
    else this.#leave(link, 'a link to nothing', 'links');
    return undefined;
  }

  #count(input: string): void {
    this.#options.signal?.throwIfAborted();
    if (++this.#entries > maxEntries)
      throw new UserError(
        `${input} has too many files and folders (max ${formatCount(maxEntries)}): name folders within it.`,
      );
  }

  /** @param ending what it is counted as */
  #leave(file: string, reason: string, ending = path.extname(file).toLowerCase() || 'no ending'): void {
    this.#left++;
    this.#endings[ending] = (this.#endings[ending] ?? 0) + 1;
    if (this.#examples.length < maxExamples) this.#examples.push({ path: file, reason });
  }
}

/** Such as `3 .png, 2 .pdf`; the most frequent first. */
export function describeEndings(endings: NotTaken['endings']): string {
  const all = Object.entries(endings).sort((a, b) => b[1] - a[1]);
  const shown = all.slice(0, 5).map(([ending, n]) => {
    if (ending === 'links') return plural(n, 'link');
    return `${formatCount(n)} ${ending === 'no ending' ? 'without an ending' : ending}`;
  });
  return [...shown, ...(all.length > 5 ? ['others'] : [])].join(', ');
}

/** What is at a path, behind links; undefined where nothing is. */
async function statOf(file: string): Promise<fs.Stats | undefined> {
  try {
    return await fs.promises.stat(file);
  } catch (error) {
    if (isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

function specialKind(entry: Pick<fs.Stats, 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice'>): string {
  if (entry.isFIFO()) return 'a pipe';
  if (entry.isSocket()) return 'a socket';
  return 'a device';
}
