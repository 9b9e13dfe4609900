import fs from 'node:fs';
import path from 'node:path';

const manifest = path.resolve(import.meta.dirname, '../package.json');

/** The version of the program, from its package. */
export const version: string = JSON.parse(fs.readFileSync(manifest, 'utf8')).version;
