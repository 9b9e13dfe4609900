/** Builds the desktop application's own code, for Electron, which does not run TypeScript: see vite.electron.config.ts. */
import { build } from 'vite';
import { packageFile } from './base/paths.ts';

const configFile = packageFile('vite.electron.config.ts');
for (const preload of ['0', '1']) {
  process.env.TRAINYARD_PRELOAD = preload;
  await build({ configFile, configLoader: 'native', logLevel: 'warn', root: packageFile('') });
}
