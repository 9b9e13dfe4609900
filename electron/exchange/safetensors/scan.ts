/** A header nests object → tensor → array and no deeper. */
const maxDepth = 3;
/** Objects, arrays and keys together: a million tensors. Bounds what parsing a hostile header can take of the heap. */
const maxItems = 7_000_000;

/** A member of the outermost object: its name and where the text of its value lies. */
export interface Member {
  readonly name: string;
  readonly start: number;
  end: number;
}

/**
 * Looks through JSON text before it is parsed. Says what a parser would let pass: a key given twice (JSON.parse keeps the
 * last without a word), nesting too deep, too many entries. Otherwise gives the members of the outermost object, because
 * V8's JSON.parse was seen to mistake a key with escapes (`\"`) for another one it met before (`\`).
 * Text that is not JSON gives anything: it has to pass a parser too.
 */
export function scan(json: string): Member[] | string {
  const open: (Set<string> | null)[] = [];
  const members: Member[] = [];
  let items = 0;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{' || c === '[') {
      open.push(c === '{' ? new Set() : null);
      if (open.length > maxDepth) return 'is nested too deeply';
      if (++items > maxItems) return 'has too many entries';
    } else if (c === '}' || c === ']' || c === ',') {
      const member = members.at(-1);
      if (open.length === 1 && member) member.end = i;
      if (c !== ',') open.pop();
    } else if (c === '"') {
      const end = endOfString(json, i);
      const keys = open.at(-1);
      const colon = keys ? afterSpace(json, end) : end;
      if (keys && json[colon] === ':') {
        if (++items > maxItems) return 'has too many entries';
        const key = unquoted(json.slice(i, end));
        if (key === null) return 'is not valid JSON';
        if (keys.has(key)) return `gives ${quoted(key)} twice`;
        keys.add(key);
        if (open.length === 1) members.push({ name: key, start: colon + 1, end: colon + 1 });
      }
      i = end - 1;
    }
  }
  return members;
}

/** Index of the first character from `start` on that is no white space. */
function afterSpace(json: string, start: number): number {
  let i = start;
  while (json[i] === ' ' || json[i] === '\n' || json[i] === '\r' || json[i] === '\t') i++;
  return i;
}

/** Index just after the string that starts at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
  return i + 1;
}

function unquoted(text: string): string | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A name from a file as it may be shown on one line of a terminal: quoted, control characters escaped, cut when long. */
export function quoted(name: string): string {
  const cut = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
