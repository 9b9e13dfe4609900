import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { DeviceFigures } from '../../electron/engine/devices/device.ts';
import { tempDir } from '../temp.ts';
import { emulatedAddonPath, hasEmulator, nvmlStandInPath } from './gpu.ts';
import { lack, linux, where } from '../frame/needs.ts';

const gib = 2 ** 30;

/** What a GPU whose driver has these libraries reports, asked one time for each word of `lacking`. */
async function figuresWith(libraries: string, lacking: readonly string[], changed: object = {}) {
  const script = `
    import { createPlayedGpu } from ${JSON.stringify(path.join(import.meta.dirname, 'gpu.ts'))};
    const device = createPlayedGpu({ library: null, ...${JSON.stringify(changed)} });
    const all = [];
    for (const lacking of ${JSON.stringify(lacking)}) {
      process.env.TRAINYARD_TEST_NVML = lacking;
      all.push(await device.figures());
    }
    console.log(JSON.stringify(all));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    // What is where the system has its own is looked for behind these.
    env: { ...process.env, LD_LIBRARY_PATH: libraries, TRAINYARD_TEST_NVML: lacking[0] ?? '' },
  });
  return JSON.parse(stdout) as DeviceFigures[];
}

where(describe, linux, [hasEmulator && fs.existsSync(nvmlStandInPath), lack.emulator])(
  "NVIDIA's library of the driver, played by a stand-in",
  () => {
    /** A folder with a library by the name of the driver's. */
    const driverBy = (file: string): string => {
      const folder = tempDir();
      fs.copyFileSync(file, path.join(folder, 'libnvidia-ml.so.1'));
      return folder;
    };
    const all = { utilization: 0.42, temperature: 65, power: 123.456, memoryBytes: 3 * gib };

    it('reports how busy, how hot and how hungry the GPU is that is asked, and not another one', async () => {
      expect(await figuresWith(driverBy(nvmlStandInPath), [''])).toEqual([all]);
    });

    it('leaves out what a GPU does not measure, and what fails for a while', async () => {
      const asked = ['power,temperature', '', 'utilization,memory', 'utilization,temperature,power,memory', ''];
      expect(await figuresWith(driverBy(nvmlStandInPath), asked)).toEqual([
        { utilization: 0.42, memoryBytes: 3 * gib },
        all,
        { temperature: 65, power: 123.456 },
        {},
        all,
      ]);
    });

    it('says nothing where its driver does not answer, or of memory that is not the GPU’s alone', async () => {
      expect(await figuresWith(driverBy(nvmlStandInPath), ['init', ''])).toEqual([{}, {}]);
      // A part of a GPU has less than what is reported of the whole.
      const { memoryBytes: _, ...others } = all;
      expect(await figuresWith(driverBy(nvmlStandInPath), [''], { memoryBytes: 4 * gib })).toEqual([others]);
    });

    it('is not missed where it is not there, or is another library', async () => {
      expect(await figuresWith(tempDir(), [''])).toEqual([{}]);
      expect(await figuresWith(driverBy(emulatedAddonPath), [''])).toEqual([{}]);
    });
  },
);
