/** A header nests object → tensor → array and no deeper. */
const maxDepth = 3;
/** Objects, arrays and keys together: a million tensors. Bounds what parsing a hostile header can take of the heap. */
const maxItems = 7_000_000;

/**
 * Looks through JSON text before it is parsed and names what a parser would let pass: a key given twice (JSON.parse
 * keeps the last without a word), nesting too deep, too many entries. Returns null where there is nothing to object to;
 * text that is not JSON is left to the parser.
 */
export function objectionTo(json: string): string | null {
  const open: (Set<string> | null)[] = [];
  let items = 0;
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{' || c === '[') {
      open.push(c === '{' ? new Set() : null);
      if (open.length > maxDepth) return 'is nested too deeply';
      if (++items > maxItems) return 'has too many entries';
    } else if (c === '}' || c === ']') {
      open.pop();
    } else if (c === '"') {
      const end = endOfString(json, i);
      const keys = open.at(-1);
      if (keys && /^\s*:/.test(json.slice(end, end + 16))) {
        if (++items > maxItems) return 'has too many entries';
        const key = unquoted(json.slice(i, end));
        if (key !== null && keys.has(key)) return `gives ${quoted(key)} twice`;
        if (key !== null) keys.add(key);
      }
      i = end - 1;
    }
  }
  return null;
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
