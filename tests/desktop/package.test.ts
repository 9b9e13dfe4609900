import fs from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';

// What electron-builder reads configs with leaves copies in the temporary folder.
process.env.JITI_FS_CACHE = 'false';

/** Of electron-builder: what it reads and checks before it packs. */
const { getConfig, validateConfiguration } = (await import('app-builder-lib/out/util/config/config.js')) as unknown as {
  getConfig(project: string, file: string, options: null): Promise<Packaging>;
  validateConfiguration(config: unknown, log: { isEnabled: boolean }): Promise<void>;
};

interface Packaging {
  readonly files: readonly { readonly filter: readonly string[] }[];
  readonly beforePack: string;
  readonly asarUnpack: readonly string[];
  readonly electronFuses: Readonly<Record<string, boolean>>;
  readonly linux: { readonly target: readonly string[] };
  readonly win: { readonly target: string };
  readonly mac: { readonly target: string };
}
const config = await getConfig(packageFile(''), 'electron-builder.yml', null);

it('is packed as electron-builder understands it, for every system', async () => {
  await validateConfiguration(config, { isEnabled: false });
  await expect(validateConfiguration({ ...config, fuses: {} }, { isEnabled: false })).rejects.toThrow(/fuses/);
  expect([config.linux.target, config.win.target, config.mac.target]).toEqual([['AppImage', 'deb'], 'nsis', 'dmg']);
});

it('closes every fuse that lets someone in, and keeps native files outside the archive', () => {
  expect(config.electronFuses).toMatchObject({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  });
  expect(config.asarUnpack).toContain('native/build/*.node');
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it('is not packed without its GPU engine, where there are GPUs, unless that is asked for', async () => {
  const { default: beforePack } = (await import(packageFile(config.beforePack))) as {
    default(context: { electronPlatformName: string }): void;
  };
  const exists = vi.spyOn(fs, 'existsSync').mockReturnValue(false);
  for (const electronPlatformName of ['linux', 'win32'])
    expect(() => beforePack({ electronPlatformName })).toThrow(/no GPU engine.*build:cuda/);
  expect(() => beforePack({ electronPlatformName: 'darwin' })).not.toThrow();
  vi.stubEnv('TRAINYARD_NO_GPU', '1');
  expect(() => beforePack({ electronPlatformName: 'linux' })).not.toThrow();
  vi.unstubAllEnvs();
  exists.mockReturnValue(true);
  expect(() => beforePack({ electronPlatformName: 'linux' })).not.toThrow();
});

it('holds all that the application reads from its own folder', () => {
  const globs = config.files.flatMap((f) => f.filter);
  const packed = (file: string) => globs.some((glob) => file.startsWith(glob.replace(/\*.*$/, '')));
  for (const file of [
    'package.json',
    'dist/electron/main.js',
    'dist/electron/studio.js',
    'dist/electron/engine.js',
    'dist/electron/preload.cjs',
    'dist/renderer/index.html',
    'resources/gpus.json',
    'resources/presets/nano.json',
    'resources/published.json',
    'resources/icon.png',
    'native/build/trainyard_cpu.node',
  ])
    expect([file, packed(file)]).toEqual([file, true]);
});
