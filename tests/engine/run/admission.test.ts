import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../electron/engine/run/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { nullDevice } from '../../../electron/engine/devices/null.ts';
import { RunPrograms } from '../../../electron/engine/run/programs.ts';
import { requireTrainable } from '../../../electron/engine/run/admission.ts';
import { smallRun } from './harness.ts';

const phase = (changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps: 5,
  from: 1e-3,
  to: 1e-3,
  ...changes,
});
const bytesOf = (...settings: ConstructorParameters<typeof RunPrograms>) => {
  const { plan } = new RunPrograms(...settings);
  return plan.totalBytes + plan.hostBytes;
};

/** A device whose memory is the host's. */
const having = (bytes: number) => ({ bytes });

describe('what can not be trained is refused before anything is allocated', () => {
  const config = smallRun({ phases: [phase({ optimizer: 'adamw4bit' }), phase({ optimizer: 'adamw' })] });
  const [small, large] = [bytesOf(config, { optimizer: 'adamw4bit' }), bytesOf(config, { optimizer: 'adamw' })];

  it('a plan over the memory, of whatever phase is still to come: by how much, and what would fit', () => {
    expect(small).toBeLessThan(large);
    expect(() => requireTrainable(config, 0, nullDevice, having(large))).not.toThrow();
    expect(() => requireTrainable(config, 0, nullDevice, having(large - 1024))).toThrow(
      /^Phase 2 \(constant, adamw, batch 2\) needs .* and the device has .*, 1\.00 KiB too little: it would fit with .*precision bf16/,
    );
    expect(() => requireTrainable(config, 0, nullDevice, having(small - 1))).toThrow(
      /^Phase 1 \(constant, adamw4bit, batch 2\)/,
    );
    expect(() => requireTrainable(config, 0, nullDevice, having(1024))).toThrow(/a smaller model or context would fit/);
  });

  it('but not of a phase that is over', () => {
    const reversed = smallRun({ phases: [...config.phases].reverse() });
    expect(() => requireTrainable(reversed, 4, nullDevice, having(small))).toThrow(/^Phase 1/);
    expect(() => requireTrainable(reversed, 5, nullDevice, having(small))).not.toThrow();
  });

  it('a run that took steps with less memory, with what it had then', () => {
    const run = (lowBitStates: 'stable' | 'paper') =>
      smallRun({
        phases: [phase()],
        optimizer: { kind: 'adamw8bit', lowBitStates },
        model: { ...config.model, vocabSize: 4096, nEmbd: 64 },
      });
    const [less, more] = [bytesOf(run('paper')), bytesOf(run('stable'))];
    expect(less).toBeLessThan(more);
    const resumed = (of: 'stable' | 'paper', bytes: number, step = 2) =>
      requireTrainable(run(of), step, nullDevice, having(bytes));
    expect(() => resumed('stable', more)).not.toThrow();
    expect(() => resumed('stable', less)).toThrow(/resume RUN --low-bit-states paper/);
    expect(() => resumed('paper', less)).not.toThrow();
    for (const attempt of [() => resumed('stable', less - 1), () => resumed('paper', less - 1)])
      expect(attempt).toThrow(/too little: (?!.*--low-bit-states)/);
    expect(() => resumed('stable', less, 0)).toThrow(/too little: (?!.*--low-bit-states)/);
  });

  it('an optimizer that the device lacks, with the phase that wants it', () => {
    const without: Device = {
      ...nullDevice,
      supports: (call) => (call.kind === 'adamw8bit' ? 'there is no kernel for it' : undefined),
    };
    const switching = smallRun({ phases: [phase(), phase({ optimizer: 'adamw8bit' })] });
    expect(() => requireTrainable(switching, 0, without, having(2 ** 40))).toThrow(
      /^Phase 2 \(constant, adamw8bit, batch 2\) can't be trained on this device: .*adamw8bit.*no kernel for it/,
    );
  });

  it('what was found out is not looked for again, there or in another process; memory is', () => {
    const asked: Device = { ...nullDevice, supports: () => undefined };
    const found = structuredClone(requireTrainable(config, 0, asked, having(large)));
    expect(found.map(({ optimizer, batch }) => ({ optimizer, batch }))).toEqual([
      { optimizer: 'adamw4bit', batch: 2 },
      { optimizer: 'adamw', batch: 2 },
    ]);
    const unasked: Device = { ...nullDevice, supports: () => 'it was asked again' };
    expect(requireTrainable(config, 0, unasked, having(large), found)).toEqual(found);
    expect(() => requireTrainable(config, 0, unasked, having(small), found)).toThrow(/^Phase 2 .*too little/);
    const other = { ...config, batch: 1 };
    expect(() => requireTrainable(other, 0, unasked, having(large), found)).toThrow('it was asked again');
    const { plan } = new RunPrograms(config, { optimizer: 'adamw' }, { planned: found[1]!.plan });
    expect(plan).toEqual(new RunPrograms(config, { optimizer: 'adamw' }).plan);
  });
});
