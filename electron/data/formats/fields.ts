import { UsageError } from '../../base/errors.ts';

/** A part of a path: a key, an index (`[0]`), or all elements of a list (`[]`). */
type Segment = { readonly key: string; readonly quoted: boolean } | { readonly index: number | 'all' };

type Path = readonly Segment[];

const known = new Map<string, Path>();

/**
 * Reads a path to a field: keys joined by dots (`meta.lang`), quoted where they hold dots of their own (`"a.b".c`), with
 * `[0]` for an element of a list and `[]` for all of them.
 * @throws UsageError when it is none
 */
export function parsePath(text: string): Path {
  let path = known.get(text);
  if (!path) known.set(text, (path = segmentsOf(text)));
  return path;
}

const pattern = /(?<dot>\.)?(?:"(?<quoted>(?:[^"\\]|\\.)*)"|\[(?<index>\d*)\]|(?<key>[^."[\]]+))/y;

function segmentsOf(text: string): Segment[] {
  const segments: Segment[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const { dot, quoted, index, key } = pattern.exec(text)?.groups ?? {};
    const isKey = quoted !== undefined || key !== undefined;
    // A dot stands between keys, and nowhere else.
    if (!(isKey || index !== undefined) || (dot !== undefined) !== (isKey && segments.length > 0))
      // A name with marks in odd places is taken as it stands.
      return wholeOr(text);
    if (index !== undefined) segments.push({ index: index === '' ? 'all' : Number(index) });
    else segments.push({ key: key ?? quoted!.replace(/\\(.)/g, '$1'), quoted: quoted !== undefined });
  }
  return segments.length > 0 ? segments : wholeOr(text);
}

function wholeOr(text: string): Segment[] {
  if (text === '' || text.includes('"'))
    throw new UsageError(`The field ${text === '' ? '""' : text} can't be read: write keys as a.b or "a.b".c.`);
  return [{ key: text, quoted: true }];
}

/**
 * The value at a path of nested objects. A key that holds dots itself wins over nested ones: `a.b` is the column "a.b", where
 * there is one. A list is an object with indices; all of its elements (`[]`) are a list again.
 * @returns undefined where there is none
 */
export function valueAt(value: unknown, text: string): unknown {
  // A literal name first: it may hold anything.
  if (isObject(value) && Object.hasOwn(value, text)) return value[text];
  return at(value, parsePath(text), 0);
}

function at(value: unknown, path: Path, from: number): unknown {
  if (from === path.length) return value;
  const segment = path[from]!;
  if ('index' in segment) {
    if (!Array.isArray(value)) return undefined;
    if (segment.index !== 'all') return at(value[segment.index], path, from + 1);
    return value.map((element) => at(element, path, from + 1)).filter((found) => found !== undefined);
  }
  if (!isObject(value)) return undefined;
  // The longest key first: "a.b" before b in a.
  for (const [end, key] of keysAt(path, from).toReversed()) {
    if (!Object.hasOwn(value, key)) continue;
    const found = at(value[key], path, end);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Names that a path's keys may stand for from one of them on, and where the path goes on behind each. */
function keysAt(path: Path, from: number): [end: number, key: string][] {
  const names: [number, string][] = [];
  let name = '';
  for (let end = from; end < path.length; end++) {
    const segment = path[end]!;
    if ('index' in segment || (segment.quoted && end > from)) break;
    name += (end > from ? '.' : '') + segment.key;
    names.push([end + 1, name]);
    if (segment.quoted) break;
  }
  return names;
}

/** The columns that a path may begin in, of those that a table has. */
export function columnsFor(text: string, columns: readonly string[]): string[] {
  const names = new Set([text, ...keysAt(parsePath(text), 0).map(([, name]) => name)]);
  return columns.filter((column) => names.has(column));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that texts often go by. */
const customary = [
  'text', 'content', 'body', 'raw_content', 'document', 'article', 'story', 'markdown', 'code', 'passage', 'abstract',
  'completion', 'response', 'output', 'review', 'sentence', 'title',
]; // prettier-ignore

/** So many fields are named. */
const maxNamed = 12;

/** The fields of an object by their paths, those of objects in it among them. */
function fieldsOf(value: unknown): { path: string; value: unknown }[] {
  if (!isObject(value)) return [];
  const quote = (key: string): string => (/[."[\]]/.test(key) ? JSON.stringify(key) : key);
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = quote(key);
    if (isObject(inner)) return fieldsOf(inner).map((f) => ({ ...f, path: `${path}.${f.path}` }));
    return [{ path, value: inner }];
  });
}

/** The paths in a document that have a text: strings, and of lists of strings all of them. */
export const textFieldsOf = (value: unknown): string[] =>
  fieldsOf(value).flatMap(({ path, value: found }) => {
    if (typeof found === 'string') return [path];
    const isOfTexts = Array.isArray(found) && found.length > 0 && found.every((v) => typeof v === 'string');
    return isOfTexts ? [`${path}[]`] : [];
  });

/** Which of some names is likely to be that of the text. */
export function likelyText(names: readonly string[]): string | undefined {
  const last = (name: string): string => name.toLowerCase().replace(/^.*\./, '').replaceAll('"', '');
  for (const name of customary) {
    const found = names.find((n) => last(n) === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Names of fields or columns, as a part of a sentence. */
export function showNames(names: readonly string[]): string {
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
  return `${names.slice(0, maxNamed).join(', ')}${more}`;
}

/** The flag that names a field, as a shell takes it. */
export const flagFor = (name: string): string =>
  `--text-field ${/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`}`;

/** Why there is no text at a path of a document. */
export function whyNoText(value: unknown, path: string): string {
  const none = `no text in the field ${path}`;
  if (!isObject(value)) return `${none}: it is ${kindOf(value)}, not an object`;
  const found = valueAt(value, path);
  if (Array.isArray(found))
    return `${none}: it holds a list; --text-field '${path}[]' takes all of it, '${path}[0]' its first element`;
  if (isObject(found))
    return `${none}: it holds an object with ${showNames(fieldsOf(found).map((f) => `${path}.${f.path}`))}`;
  if (found !== undefined) return `${none}: it holds ${kindOf(found)}`;
  const fields = fieldsOf(value);
  if (fields.length === 0) return `${none}: the object has no fields`;
  const texts = fields.filter((f) => typeof f.value === 'string' && f.value !== '');
  const longest = texts.toSorted((a, b) => (b.value as string).length - (a.value as string).length)[0]?.path;
  const likely = likelyText(texts.map((f) => f.path)) ?? longest;
  const take = likely === undefined ? '' : `; try ${flagFor(likely)}`;
  return `${none}: there are ${showNames(fields.map((f) => f.path))}${take}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value === 'bigint' ? 'number' : typeof value}`;
}

/** The text of a document at a path: a string, or strings of which `[]` takes all, a line each. */
export function textAt(value: unknown, path: string): string | undefined {
  // A list of texts, rather than of objects that have some.
  if (typeof value === 'string') return value;
  const found = valueAt(value, path);
  if (typeof found === 'string') return found;
  if (!Array.isArray(found) || !path.includes('[]')) return undefined;
  const texts = found.flat(Infinity);
  return texts.every((t) => typeof t === 'string') ? texts.join('\n') : undefined;
}

/** Whether a document says that it has no text at a path: null there, or in place of an object around it. */
export function isNullAt(value: unknown, path: string): boolean {
  if (!isObject(value)) return false;
  if (Object.hasOwn(value, path)) return value[path] === null;
  return nullIn(value, parsePath(path), 0);
}

function nullIn(value: unknown, path: Path, from: number): boolean {
  if (value === null) return from > 0;
  if (from === path.length) return false;
  const segment = path[from]!;
  if ('index' in segment) {
    if (!Array.isArray(value)) return false;
    return segment.index !== 'all' && nullIn(value[segment.index], path, from + 1);
  }
  if (!isObject(value)) return false;
  return keysAt(path, from).some(([end, key]) => Object.hasOwn(value, key) && nullIn(value[key], path, end));
}

/** A value as `--where` compares it; each element of a list counts. */
export function comparable(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(comparable);
  if (value instanceof Date) return [value.toISOString()];
  if (isObject(value)) return [JSON.stringify(value)];
  return [String(value)];
}

/** A condition: a field, and values of which it must have one. */
export interface Where {
  readonly path: string;
  readonly values: readonly string[];
}

/**
 * Reads FIELD=VALUE,VALUE…: values that hold commas are quoted (`field="a,b",c`), with doubled quotes for quotes in them.
 * @throws UsageError when it is none
 */
export function parseWhere(text: string): { path: string; values: string[] } {
  const fault = (): UsageError =>
    new UsageError(`--where needs FIELD=VALUE,VALUE…, with values that hold commas in quotes, not ${text}.`);
  const field = /^((?:"(?:[^"\\]|\\.)*"|[^="])+)=/.exec(text)?.[1];
  if (field === undefined) throw fault();
  parsePath(field);
  const values: string[] = [];
  const value = /(?:"((?:[^"]|"")*)"|([^",][^,]*|))(,|$)/y;
  value.lastIndex = field.length + 1;
  for (;;) {
    const match = value.exec(text);
    if (!match) throw fault();
    values.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '') return { path: field, values };
  }
}
