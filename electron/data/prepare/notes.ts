import { formatCount, formatPercent, plural } from '../../base/format.ts';
import { describeEndings } from '../inputs/walk.ts';
import { endMarker } from './text/marker.ts';
import type { Manifest } from '../dataset/index.ts';

/** Examples that are shown. */
const shown = 5;

/** Where validation was taken from, in words; undefined of datasets that don't say. */
export function validationNote({ validation, settings }: Manifest): string | undefined {
  if (validation === undefined) return undefined;
  const percent = formatPercent(settings.valFraction);
  return validation === 'end' ? `the last ${percent} of the text` : `whole documents, ${percent} of them`;
}

/** What whoever made a dataset should know of it: what was left out, and what may not be meant. A line each. */
export function notesOf(manifest: Manifest): string[] {
  const { notices = [], copies = [], skipped = [], notTaken, bad, markers = 0, settings } = manifest;
  const notes: string[] = [];
  notes.push(...notices);
  for (const { path: copy, of } of copies.slice(0, shown)) notes.push(`${copy} is a copy of ${of}: taken once`);
  if (copies.length > shown) notes.push(`and ${formatCount(copies.length - shown)} more copies of other files`);
  if (notTaken) {
    notes.push(`${formatCount(notTaken.files)} not taken (${describeEndings(notTaken.endings)}), such as:`);
    for (const { path: file, reason } of notTaken.examples.slice(0, shown)) notes.push(`  ${file}: ${reason}`);
  }
  if (skipped.length > 0) {
    notes.push(`${formatCount(skipped.length)} ${skipped.length === 1 ? 'file was' : 'files were'} skipped:`);
    for (const { path: file, reason } of skipped) notes.push(`  ${file}: ${reason}`);
  }
  if (bad && bad.lines > 0) {
    notes.push(`${plural(bad.lines, 'bad document')} skipped, such as:`);
    for (const example of bad.examples.slice(0, shown)) notes.push(`  ${example}`);
  }
  if (markers > 0) {
    const times = markers === 1 ? 'once' : `${formatCount(markers)} times`;
    const hint =
      settings.splitOn === undefined ? `; to end documents there, split on it (--split-on '${endMarker}')` : '';
    notes.push(`the text has ${endMarker} in it ${times}: as text, not as the end of a document${hint}`);
  }
  return notes;
}
