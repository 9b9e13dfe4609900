/**
 * Addons that a release ships: `native/prebuilt/<platform>-<arch>/`, each with a note of the sources that it was compiled from. `npm ci` takes
 * them where they are of the sources that are here and load; else it compiles. `npm run ship` puts those of `native/build` there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { sourcesHash, type Target } from './compile.ts';

const defaultFolder = path.join(import.meta.dirname, 'prebuilt', `${process.platform}-${process.arch}`);

/** What is told of an addon: hashes (SHA-256) of its sources and of itself. */
interface Note {
  readonly sources: string;
  readonly addon: string;
}

const hashOf = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

function placesOf(target: Target, folder: string): { addon: string; note: string } {
  const addon = path.join(folder, path.basename(target.file));
  return { addon, note: addon.replace(/node$/, 'json') };
}

/** Whether a Node like this one can load an addon: one of a newer system can't be on an older. */
const loads = (file: string): boolean =>
  spawnSync(process.execPath, ['-e', `require(${JSON.stringify(file)})`], { stdio: 'ignore' }).status === 0;

/**
 * Puts a shipped addon where a compiled one would be.
 * @returns whether it is there; else why it is not, or nothing where none is shipped
 */
export function takePrebuilt(target: Target, folder = defaultFolder): true | string | undefined {
  const { addon, note } = placesOf(target, folder);
  if (!fs.existsSync(note) || !fs.existsSync(addon)) return undefined;
  const recorded = JSON.parse(fs.readFileSync(note, 'utf8')) as Note;
  if (recorded.sources !== sourcesHash(target)) return 'the one that was shipped is of other sources';
  if (recorded.addon !== hashOf(addon)) return 'the one that was shipped is damaged';
  if (!loads(addon)) return 'the one that was shipped does not load here';
  fs.mkdirSync(path.dirname(target.file), { recursive: true });
  const partial = `${target.file}.${process.pid}.tmp`;
  fs.copyFileSync(addon, partial);
  // A process that has an old one open keeps it.
  fs.renameSync(partial, target.file);
  fs.rmSync(target.file.replace(/node$/, 'hash'), { force: true });
  return true;
}

/** Copies a compiled addon to where a release ships it. @returns the copy */
export function ship(target: Target, folder = defaultFolder): string {
  const { addon, note } = placesOf(target, folder);
  fs.mkdirSync(folder, { recursive: true });
  fs.copyFileSync(target.file, addon);
  const recorded: Note = { sources: sourcesHash(target), addon: hashOf(addon) };
  fs.writeFileSync(note, `${JSON.stringify(recorded, null, 2)}\n`);
  return addon;
}
