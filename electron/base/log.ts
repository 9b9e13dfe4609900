/** The log of defects: errors that nobody can mend but who wrote the program, with their stacks, in a file of the home. */
import fs from 'node:fs';
import path from 'node:path';
import { messageOf, stackOf } from './errors.ts';
import { version } from './version.ts';

/** A file this large is put aside, and one of those put aside is kept. */
const maxBytes = 1 << 20;
/** Of one entry: a message may quote a whole file. */
const maxEntry = 32 << 10;

/** Where a home's defects are told. */
export const logFile = (home: string): string => path.join(home, 'logs', 'trainyard.log');

/** The folder of the log, which is there when this returns. */
export function logFolder(home: string): string {
  const dir = path.dirname(logFile(home));
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}

const olderFile = (home: string): string => `${logFile(home)}.1`;

/**
 * Adds a defect to the log.
 * @param where it happened: a command, a procedure, a run
 * @returns the file; undefined where it can't be written
 */
export function logDefect(home: string, where: string, error: unknown): string | undefined {
  const file = logFile(home);
  const head = `${new Date().toISOString()} ${where} (trainyard ${version}, Node ${process.version}, process ${process.pid})`;
  try {
    if (!fs.existsSync(home)) return undefined;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > maxBytes) fs.renameSync(file, olderFile(home));
    // One write of an entry: those of several processes don't mix.
    fs.appendFileSync(file, `${head}\n${stackOf(error).slice(0, maxEntry)}\n\n`, { mode: 0o600 });
    return file;
  } catch {
    return undefined;
  }
}

const more = '. See the log: ';

/** Whether a message is of a defect whose stack is in the log. */
export const isLogged = (message: string): boolean => message.includes(more);

/** What people are told of a defect, on one line, and where its stack is. */
export const defectMessage = (error: unknown, file: string | undefined): string =>
  `Something went wrong (${messageOf(error)})${file === undefined ? ', and no log could be written' : `${more}${file}`}`;

/** The end of a home's log. */
export function readLogEnd(home: string, bytes = 64 << 10): string {
  const parts = [olderFile(home), logFile(home)].map((file) => endOf(file, bytes));
  return Buffer.concat(parts).subarray(-bytes).toString('utf8');
}

function endOf(file: string, bytes: number): Buffer {
  if (!fs.existsSync(file)) return Buffer.alloc(0);
  const opened = fs.openSync(file, 'r');
  try {
    const { size } = fs.fstatSync(opened);
    const end = Buffer.alloc(Math.min(size, bytes));
    const read = fs.readSync(opened, end, 0, end.length, size - end.length);
    return end.subarray(0, read);
  } finally {
    fs.closeSync(opened);
  }
}
