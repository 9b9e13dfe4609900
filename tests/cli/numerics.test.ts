import { describe, expect, it } from 'vitest';
import { createCpuDevice } from '../../electron/engine/devices/cpu/device.ts';
import { hasCpu } from '../engine/devices.ts';
import { runCli } from './run.ts';
import { remains, startUntil, workplace } from './workplace.ts';
import { lack, posix, where } from '../frame/needs.ts';

const long = { '--steps': 100_000, '--sample-tokens': 0, '--checkpoint-every': 50_000 };

where(
  describe,
  [hasCpu, lack.cpu],
  posix,
)('a run on the processor', () => {
  it('says once that its numbers change where it is resumed with other instructions, and not otherwise', async () => {
    const { home, train, command } = workplace();
    const reported = () => remains(home).events.filter((e) => e.kind === 'otherBits').length;
    const stopped = async (args: string[], env: Record<string, string> = {}) => {
      const before = args.includes('resume') ? remains(home).run.step : 0;
      const running = await startUntil(args, before + 2, [], env);
      running.child.kill('SIGTERM');
      return (await running.result).stdout;
    };
    await stopped(train(long));
    const { id } = remains(home).run;
    await stopped(command('resume', id, '--json'));
    expect(reported()).toBe(0);
    if (createCpuDevice().isa === 'portable') return;
    const out = await stopped(command('resume', id, '--json'), { TRAINYARD_ISA: 'portable' });
    expect(reported()).toBe(1);
    expect(out.match(/"type":"otherBits"/g)).toHaveLength(1);
    // From here on these are the run's own.
    await stopped(command('resume', id, '--json'), { TRAINYARD_ISA: 'portable' });
    expect(reported()).toBe(1);
    await stopped(command('resume', id, '--json'));
    expect(reported()).toBe(2);
    const listed = await runCli(command('show', id));
    expect(listed.stdout).toMatch(/matmul numerics changed/);
  });
});
