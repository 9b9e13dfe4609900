/** Where what the application is opened with leads. It comes from anybody. */
import fs from 'node:fs';
import path from 'node:path';
import type { Place } from '../api/places.ts';

/** Of links: `trainyard://run/calm-otter-1a2b`. */
export const linkScheme = 'trainyard';

/** As ids are made. Whether there is such a run, the studio says. */
const runLink = /^trainyard:\/\/run\/([a-z0-9]+(?:-[a-z0-9]+)*)\/?$/;
/** Longer ones are no link of a run, and are not shown whole. */
const maxLink = 200;

/** Where a link leads. It comes from anybody: what is not exactly the link of a run leads nowhere. */
export function placeOfLink(link: string): Place {
  const [, id] = (link.length <= maxLink && runLink.exec(link)) || [];
  if (id !== undefined) return { kind: 'run', id };
  return { kind: 'refused', what: 'link', text: link.length > maxLink ? `${link.slice(0, maxLink)}…` : link };
}

const isModel = (dir: string): boolean => {
  try {
    const names = fs.readdirSync(dir);
    return names.includes('config.json') && names.some((name) => name.endsWith('.safetensors'));
  } catch {
    return false; // what is wrong with it is said where it is read
  }
};

/** Where a file or folder leads: to import for a model, else to the Data page, whose form says what it can't read. */
export function placeOfPath(file: string): Place {
  let found;
  try {
    found = fs.statSync(file);
  } catch {
    return { kind: 'refused', what: 'file', text: file };
  }
  const dir = found.isDirectory() ? file : file.endsWith('.safetensors') ? path.dirname(file) : undefined;
  return dir !== undefined && isModel(dir) ? { kind: 'import', dir } : { kind: 'data', paths: [file] };
}

/** Where each of the arguments of a command line leads; files of text go together. Switches are Chromium's. */
export function placesOf(given: readonly string[], folder: string): Place[] {
  const places = given
    .filter((argument) => argument !== '' && !argument.startsWith('-'))
    .map((argument) =>
      argument.startsWith(`${linkScheme}:`) ? placeOfLink(argument) : placeOfPath(path.resolve(folder, argument)),
    );
  const paths = places.flatMap((place) => (place.kind === 'data' ? place.paths : []));
  const others = places.filter((place) => place.kind !== 'data');
  return paths.length > 0 ? [...others, { kind: 'data', paths }] : others;
}
