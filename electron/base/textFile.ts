import fs from 'node:fs';

/** The text of a file that a user may have written, without the byte order mark that some editors put first. */
export const readTextFile = (file: string): string => fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '');
