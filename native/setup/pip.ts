/** What the set-up scripts take from PyPI: wheels at the versions and hashes of a requirements file, unpacked into a folder. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BuildError, run } from '../toolchain.ts';

/** $PYTHON, else the first of the usual names that has pip. @throws BuildError when there is none */
export function findPip(): string[] {
  const defaults = process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python'];
  const asked = process.env.PYTHON;
  for (const python of asked ? [asked] : defaults) {
    const command = [python, '-m', 'pip'];
    const { error, status } = spawnSync(python, [...command.slice(1), '--version'], { stdio: 'ignore' });
    if (!error && status === 0) return command;
  }
  throw new BuildError(
    `${asked ? `PYTHON names '${asked}', which has no pip` : 'No Python 3 with pip was found'}: install one ` +
      '(Debian, Ubuntu: `sudo apt install python3-pip`), or name the Python of a virtual environment in PYTHON.',
  );
}

/**
 * Unpacks wheels side by side into a folder, which appears when all of it is there.
 * @param requirements a file of versions and hashes: what differs from them is refused
 * @param options further ones of `pip install`, such as the platform that wheels are for
 * @throws BuildError with one line for the user
 */
export async function unpackWheels(
  requirements: string,
  folder: string,
  options: readonly string[] = [],
): Promise<void> {
  const pip = findPip();
  const partial = `${folder}.${process.pid}`;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  try {
    await run(
      [
        ...[...pip, 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'],
        ...['--no-compile', '--require-hashes', ...options, '--target', partial, '-r', requirements],
      ],
      `Fetching what ${path.basename(requirements)} names from PyPI`,
      "pip's",
    );
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(partial, folder);
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
}
