import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { measureDevices } from '../../../electron/engine/devices/choose.ts';
import { finish } from '../../../electron/engine/fit/steps.ts';
import { findGpu } from '../../../electron/engine/fit/gpus.ts';
import { parseRunConfig } from '../../../electron/engine/run/config.ts';
import { stepTimesPath } from '../../../electron/studio/home.ts';
import { type EngineProcess, forkEngine } from '../../../electron/studio/run/engine.ts';
import { timeSteps } from '../../../electron/studio/time/estimate.ts';
import { measureSteps } from '../../../electron/studio/time/measure.ts';
import { tempDir } from '../../temp.ts';

const configOf = (more: object = {}) =>
  parseRunConfig({
    model: { vocabSize: 257, contextLength: 32, nLayer: 1, nHead: 1, nEmbd: 16 },
    ...{ dataset: 'any', tokenizer: 'bytes', batch: 2, tokensPerStep: 128 },
    phases: [
      { kind: 'constant', steps: 10, from: 1e-3, to: 1e-3 },
      { kind: 'constant', steps: 10, from: 1e-3, to: 1e-3, optimizer: 'adamw8bit' },
    ],
    ...more,
  });

const refuse = (): never => {
  throw new Error('nothing is to be measured again');
};

describe('time before a run is started', () => {
  it('is computed where nothing was measured, and measured by real steps, once', async () => {
    const home = tempDir();
    const config = configOf();
    measureDevices(home);
    const before = finish(timeSteps({ config, home, gpu: findGpu('rtx-3060-12gb') }));
    expect(before).toMatchObject({ here: { how: 'computed' }, measurable: true });
    expect(before.there).toMatchObject({ how: 'computed', on: 'NVIDIA GeForce RTX 3060 12 GB' });

    await measureSteps(home, config, forkEngine);
    // Of both of its phases.
    const kept = JSON.parse(fs.readFileSync(stepTimesPath(home), 'utf8')) as Record<string, { microSeconds: number }>;
    expect(Object.keys(kept)).toHaveLength(2);
    const { here, measurable } = finish(timeSteps({ config, home }));
    expect([here!.how, measurable]).toEqual(['measured', false]);
    expect(here!.lowSeconds).toBeLessThanOrEqual(here!.seconds);
    expect(here!.highSeconds).toBeGreaterThanOrEqual(here!.seconds);
    const micro = Object.values(kept).reduce((sum, k) => sum + 10 * 2 * k.microSeconds, 0);
    expect(here!.seconds).toBeGreaterThan(micro);

    await measureSteps(home, config, refuse);
    // What decides the time of a step makes it another one; what does not, does not.
    await measureSteps(home, configOf({ seed: 7 }), refuse);
    for (const other of [{ batch: 4 }, { precision: 'bf16' }, { recompute: 'block' }])
      expect(finish(timeSteps({ config: configOf(other), home })).here!.how).toBe('computed');
  });

  it('is not known of a processor whose peak was not measured', () => {
    expect(finish(timeSteps({ config: configOf(), home: tempDir() }))).toEqual({
      ...{ here: null, measurable: false, there: null },
    });
  });

  it('is measured again where what was kept is cut off or makes no sense', async () => {
    const home = tempDir();
    measureDevices(home);
    for (const text of ['{"cut', '[]', '{"a":{"microSeconds":-1}}']) {
      fs.writeFileSync(stepTimesPath(home), text);
      expect(finish(timeSteps({ config: configOf(), home })).here!.how).toBe('computed');
    }
    await measureSteps(home, configOf(), forkEngine);
    expect(finish(timeSteps({ config: configOf(), home })).here!.how).toBe('measured');
  });

  it('does not measure what would take minutes', () => {
    const home = tempDir();
    measureDevices(home);
    const model = { vocabSize: 50257, contextLength: 1024, nLayer: 48, nHead: 25, nEmbd: 1600 };
    const large = configOf({ model, batch: 1, tokensPerStep: 1024 });
    expect(finish(timeSteps({ config: large, home }))).toMatchObject({ here: { how: 'computed' }, measurable: false });
  });

  it('ends its process when it is not wanted any more, and keeps nothing', async () => {
    const home = tempDir();
    const leave = new AbortController();
    let engine: EngineProcess | undefined;
    const measuring = measureSteps(
      home,
      configOf(),
      (listener) => {
        engine = forkEngine(listener);
        leave.abort(new DOMException('left', 'AbortError'));
        return engine;
      },
      leave.signal,
    );
    await expect(measuring).rejects.toThrow('left');
    expect((await engine!.exited).signal).toBe('SIGKILL');
    expect(fs.existsSync(stepTimesPath(home))).toBe(false);
    expect(fs.readdirSync(home).filter((f) => f.includes('partial'))).toEqual([]);
  });
});
