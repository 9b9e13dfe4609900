import fs from 'node:fs';
import { packageFile } from './paths.ts';

/** The version of the program, from its package. */
export const version: string = JSON.parse(fs.readFileSync(packageFile('package.json'), 'utf8')).version;
