import fs from 'node:fs';
import { createRequire } from 'node:module';
import { UserError } from '../../../base/errors.ts';
import { packageFile } from '../../../base/paths.ts';
import { withWords } from '../native/failures.ts';
import type { SessionAddon } from '../native/session.ts';

declare const handle: unique symbol;
export interface NativeDevice {
  readonly [handle]: 'device';
}

/** What native/node/cpu.cpp exports. */
export interface Addon extends SessionAddon<NativeDevice> {
  createDevice(threads: number, isa: string | undefined): NativeDevice;
  describeDevice(device: NativeDevice): { isa: string; threads: number; scratchBytes: number };
  memory(): { allocations: number; liveBytes: number };
  fmaPeak(device: NativeDevice): { oneCore: number; allThreads: number };
}

let loaded: Addon | undefined;

/** Where `npm ci` puts the compiled addon. */
export const addonPath = packageFile('native/build/trainyard_cpu.node');

/** Loads the compiled addon, once. @throws UserError when it is missing or can't be loaded */
export function loadAddon(): Addon {
  if (loaded) return loaded;
  if (!fs.existsSync(addonPath)) {
    throw new UserError(
      'The CPU engine is not built: run `npm run build:native` (it needs a C++17 compiler) and try again.',
    );
  }
  try {
    loaded = withWords(createRequire(import.meta.url)(addonPath) as Addon);
  } catch (error) {
    throw new UserError(
      `The CPU engine can't be loaded (${(error as Error).message.split('\n')[0]}): run \`npm run build:native\` on this machine.`,
    );
  }
  return loaded;
}
