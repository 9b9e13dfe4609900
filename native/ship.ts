/** `npm run ship`: puts the addons that were compiled here to where a release ships them, for `npm ci` to take. See prebuilt.ts. */
import fs from 'node:fs';
import path from 'node:path';
import { cpuTarget, cudaTarget } from './build.ts';
import { isUpToDate } from './compile.ts';
import { ship } from './prebuilt.ts';

for (const target of [cpuTarget, cudaTarget].filter(({ file }) => fs.existsSync(file))) {
  if (isUpToDate(target)) console.log(`shipped: ${path.relative(process.cwd(), ship(target))}`);
  else {
    console.error(`${path.basename(target.file)} is not of what is here: build it first.`);
    process.exitCode = 1;
  }
}
