/**
 * What a terminal would obey instead of showing, or what shows other text than there is: control characters (C0, C1), overrides
 * of the writing direction, what is no character. Line ends and tabs stay, and what joins the parts of an emoji or of a script.
 */
const unprintable = /[^\P{C}\n\t\u200c\u200d]|[\u2028\u2029\ufffd]/gu;

/** Text in which control characters and bytes that are no text can't disturb a terminal; line ends and tabs stay. */
export const printable = (text: string): string => text.replace(unprintable, '·');

/** JSON with the same characters as escapes: it says what it said, and a terminal shows it. */
export const printableJson = (json: string): string =>
  json.replace(unprintable, (c) =>
    Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );

/** Text on one line, whole: a name with a line end in it can't pass for a line of its own. */
export const onOneLine = (text: string): string => printable(text).trim().replace(/\s+/g, ' ');

/** Text on one line, cut to what a terminal shows well. */
export function oneLine(text: string, length = 240): string {
  const line = onOneLine(text);
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

/** Text with all lines but the first moved right. */
export const hanging = (text: string, indent: number): string => text.split('\n').join(`\n${' '.repeat(indent)}`);
