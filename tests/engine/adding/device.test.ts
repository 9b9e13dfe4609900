import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../cli/run.ts';
import { copyOfProduct } from './copy.ts';

/** Keeps what is written to it, and computes nothing. */
const idle = `import { z } from 'zod';
import { processorMemory } from '../cpu/memory.ts';
import { checkPrograms, type Device, type HostArray, hostArray } from '../device.ts';
import { deviceKind } from '../kind.ts';
import type { Buffer } from '../../program/types.ts';

const device = (laziness: number): Device => ({
  kind: 'idle',
  description: \`idle: does nothing, \${laziness} times\`,
  overheadBytes: () => 0,
  supports: () => undefined,
  async load(programs, plan) {
    checkPrograms(this, programs);
    const values = new Map<Buffer, HostArray>();
    const read = (buffer: Buffer, target = hostArray(buffer)) => {
      const value = values.get(buffer);
      if (value) target.set(value);
      return target;
    };
    return {
      queues: false,
      write: (buffer, data) => void values.set(buffer, data.slice()),
      read,
      fetch: async (buffers) => buffers.map((buffer) => read(buffer)),
      async run() {},
      allocatedBytes: () => plan.totalBytes + plan.hostBytes,
      close() {},
    };
  },
});

/** Does nothing. */
export const idle = deviceKind({
  kind: 'idle',
  noun: 'nothing',
  label: 'Idle',
  shortLabel: 'idle',
  settings: { laziness: z.int().min(1).optional() },
  flags: [
    { flags: '--laziness <n>', setting: 'laziness', type: 'int', help: 'how lazy idle is (1)', briefHelp: 'how lazy (1)' },
  ],
  isThere: () => true,
  require() {},
  find: async () => [{ kind: 'idle', available: true, description: 'does nothing' }],
  offered: () => [{ name: 'nothing at all', memoryBytes: 7 }],
  supports: () => undefined,
  memory: () => processorMemory(),
  open: async ({ laziness = 1 }) => ({
    device: device(laziness),
    memory: processorMemory(),
    advice: { larger: 'it takes a machine with more memory', full: () => 'end other programs of this machine' },
    peakFlops: () => Number.NaN,
  }),
});
`;

/** What a page is told of devices. */
const asked = `import { createRouterClient } from '@orpc/server';
import { router } from './electron/api/router.ts';
import { Studio } from './electron/studio/studio.ts';

const studio = Studio.open(process.argv[2]!);
const client = createRouterClient(router, { context: { studio } });
const [run] = await client.runs.list({});
console.log(
  JSON.stringify({
    devices: await client.studio.trainingDevices(),
    kinds: await client.studio.deviceKinds(),
    device: run!.device,
  }),
);
studio.close();
`;

describe('a device that is added', () => {
  it('is a folder and a line of the registry: it trains, and is listed', { timeout: 300_000 }, async () => {
    const copy = copyOfProduct();
    copy.add('electron/engine/devices/idle/kind.ts', idle);
    const registry = 'electron/engine/devices/registry.ts';
    copy.change(
      registry,
      'const registered = [cpu, ',
      "import { idle } from './idle/kind.ts';\nconst registered = [cpu, idle, ",
    );
    copy.add('asked.ts', asked);

    const home = path.join(copy.dir, 'home');
    const text = path.join(copy.dir, 'text.txt');
    fs.writeFileSync(text, 'Nothing will come of nothing: speak again. '.repeat(200));
    const model = '--layers 1 --heads 1 --width 8 --context 16 --batch 2 --steps 3 --sample-tokens 0 --tokenizer bytes';
    const on = ['--device', 'idle', '--laziness', '3'];
    const train = (...flags: string[]) =>
      copy.cli('--home', home, 'train', '--text', text, ...model.split(' '), '--json', ...flags);
    const trained = await train(...on);
    expect(trained.stderr).toBe('');
    const events = jsonLines(trained.stdout);
    expect(events.find((e) => e.type === 'started')).toMatchObject({ device: 'idle: does nothing, 3 times' });
    // What computes nothing has no loss.
    expect(events.filter((e) => e.type === 'metrics').map((e) => e.loss)).toEqual([0, 0, 0]);
    expect(trained.code).toBe(0);

    const refused = await train('--device', 'cpu', '--laziness', '3');
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--laziness belongs to --device idle/) as string,
    });

    const reported = JSON.parse((await copy.run('asked.ts', home)).stdout) as Record<
      'devices' | 'kinds',
      { kind: string }[]
    >;
    expect(reported.devices.find((d) => d.kind === 'idle')).toMatchObject({ name: 'nothing at all', memoryBytes: 7 });
    expect(reported.kinds.find((d) => d.kind === 'idle')).toMatchObject({ label: 'Idle', isGpu: false });
    expect(reported).toMatchObject({ device: { kind: 'idle' } });

    expect(copy.changed()).toEqual([registry]);
  });
});
