import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { packageFile } from '../../../electron/base/paths.ts';
import { lack, where } from '../../frame/needs.ts';

const isSetUp = fs.existsSync(packageFile('node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node'));

/** What a process of its own says of the tfjs device, and anything that TensorFlow says with it. */
function describeDevice(asked: string): { status: number | null; stdout: string; stderr: string } {
  const script = `const { createTfjsDevice } = await import('./electron/engine/devices/tfjs/device.ts');
    console.log((await createTfjsDevice()).description);`;
  const env = { ...process.env, TRAINYARD_TFJS: asked };
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: packageFile(''),
    encoding: 'utf8',
    env,
  });
}

it('tfjs is plain JavaScript where that is asked for', () => {
  expect(describeDevice('javascript')).toMatchObject({ status: 0, stdout: 'tfjs: plain JavaScript\n', stderr: '' });
});

where(it, [isSetUp, lack.tensorflow])(
  'tfjs is TensorFlow itself where that is set up, and says on what, and nothing else',
  () => {
    for (const asked of ['native', '']) {
      const { status, stdout, stderr } = describeDevice(asked);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^tfjs: native TensorFlow \d+\.\d+\.\d+ on (the CPU|a GPU)\n$/);
    }
  },
);

it('another word for it is refused', () => {
  const { status, stderr } = describeDevice('gpu');
  expect(status).toBe(1);
  expect(stderr).toContain(
    "TRAINYARD_TFJS is 'gpu': it takes `native` or `javascript`, or nothing for the first that loads.",
  );
});
