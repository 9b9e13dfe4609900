import { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';
import { runDevices } from '../../electron/engine/devices/registry.ts';
import { optimizerKinds } from '../../electron/engine/optimizers/index.ts';
import { homes, kindsStayHome } from './kindsStayHome.mjs';

const found = (file: string, text: string): string[] => {
  const plugins = { trainyard: { rules: { kinds: kindsStayHome } } };
  const config = { files: ['**/*'], plugins, rules: { 'trainyard/kinds': 'error' as const } };
  return new Linter({ cwd: packageFile('') }).verify(text, config, packageFile(file)).map((m) => m.message);
};

describe('the check that kinds stay at home', () => {
  it('finds a kind that is named outside of its folder, however it is quoted', () => {
    for (const text of ["if (kind === 'cuda') go();", 'const kinds = ["cuda"];', 'const kind = `cuda`;'])
      expect(found('electron/studio/some.js', text)).toEqual([expect.stringMatching(/^cuda is named outside of/)]);
    expect(found('electron/engine/devices/cuda/some.js', "const kind = 'cuda';")).toEqual([]);
    expect(found('electron/engine/devices/some.js', "const kind = 'adamw8bit';")).toHaveLength(1);
    expect(found('electron/studio/some.js', "const words = 'the cpu, and cuda'; const cuda = 1;")).toEqual([]);
  });

  it('knows all that are registered', () => {
    expect(homes['electron/engine/devices']).toEqual(expect.arrayContaining(runDevices));
    expect(homes['electron/engine/optimizers']).toEqual(expect.arrayContaining([...optimizerKinds]));
  });
});
