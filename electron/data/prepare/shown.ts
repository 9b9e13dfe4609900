/** By the files that stand for pipes and standard input: what people call those. */
export type ShownAs = Readonly<Record<string, string>>;

/** A text that speaks of files, in which those that stand for pipes are called as people know them. */
export function shownText(text: string, names: ShownAs = {}): string {
  let shown = text;
  for (const [file, name] of Object.entries(names)) {
    shown = shown.replaceAll(`The file ${file}`, name.charAt(0).toUpperCase() + name.slice(1)).replaceAll(file, name);
  }
  return shown;
}
