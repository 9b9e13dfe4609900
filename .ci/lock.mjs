/**
 * Takes the engines of dependencies out of package-lock.json, or with --check says where one has come back. They run under the Node that
 * is among the packages, while npm holds them against the one that runs npm: on Node 20 it would warn of seven, none of them a problem.
 * Our own engines stay: npm warns of a Node or npm that is too old to install with.
 */
import fs from 'node:fs';
import path from 'node:path';

const file = path.resolve(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
const found = Object.entries(lock.packages).filter(([name, { engines }]) => name !== '' && engines);
if (process.argv[2] === '--check') {
  if (found.length > 0) {
    console.error(
      `package-lock.json names the engines of ${found.length} packages, such as ${found[0][0]}: \`npm run lock\` takes them out.`,
    );
    process.exitCode = 1;
  }
} else {
  for (const [, entry] of found) delete entry.engines;
  fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
