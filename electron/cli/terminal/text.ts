/** Text in which control characters and bytes that are no text can't disturb a terminal; line ends and tabs stay. */
export const printable = (text: string): string => text.replace(/[^\P{C}\n\t]|\ufffd/gu, '·');

/** Text on one line, whole: a name with a line end in it can't pass for a line of its own. */
export const onOneLine = (text: string): string => printable(text).trim().replace(/\s+/g, ' ');

/** Text on one line, cut to what a terminal shows well. */
export function oneLine(text: string, length = 240): string {
  const line = onOneLine(text);
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

/** Text with all lines but the first moved right. */
export const hanging = (text: string, indent: number): string => text.split('\n').join(`\n${' '.repeat(indent)}`);
