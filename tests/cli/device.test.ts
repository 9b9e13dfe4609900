import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasEmulator } from '../native/gpu.ts';
import { hasCpu } from '../engine/devices.ts';
import { machineWith, noDriver } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { runCli } from './run.ts';
import { oneLineOf, remains } from './workplace.ts';
import { lack, where } from '../frame/needs.ts';

const tooOld = 'NVIDIA GeForce GTX 1080 is too old: it takes an RTX 30, an A100 or newer';
const gib = 2 ** 30;

/** A home with a text, and commands in it on a machine with some GPUs. */
function workplace() {
  const dir = tempDir();
  const [home, text] = [path.join(dir, 'home'), path.join(dir, 'text.txt')];
  fs.writeFileSync(text, 'peter piper picked a peck of pickled peppers. '.repeat(100));
  const on = (addon: string, ...args: string[]) => runCli(['--home', home, ...args], { TRAINYARD_CUDA_ADDON: addon });
  const shape = ['--tokenizer', 'bytes', '--layers', '1', '--heads', '1', '--width', '32', '--context', '16'];
  const quick = ['--batch', '2', '--steps', '3', '--eval-every', '0', '--eval-sequences', '2', '--sample-tokens', '0'];
  const train = (addon: string, ...args: string[]) => on(addon, 'train', '--text', text, ...shape, ...quick, ...args);
  return { dir, home, text, on, train };
}

where(
  describe,
  [hasCpu, lack.cpu],
  [hasEmulator, lack.emulator],
)('the device on the command line', () => {
  it('is the GPU that is named, of several', async () => {
    const { home, train } = workplace();
    expect((await train(machineWith([{}, {}]), '--gpu-index', '1')).code).toBe(0);
    expect(remains(home).run).toMatchObject({ device: 'cuda', config: { device: { kind: 'cuda', gpu: 1 } } });
  });

  it('is the processor where a GPU is there and too old, and a line says so', async () => {
    const { home, train } = workplace();
    const { code, stderr } = await train(machineWith([tooOld]), '--json');
    expect([code, stderr.trimEnd()]).toEqual([0, `GPU unavailable: ${tooOld}; training on the CPU`]);
    expect(remains(home).run.device).toBe('cpu');
    expect((await train(machineWith([tooOld]), '--json', '--device', 'cpu')).stderr).toBe('');
  });

  it('refuses flags that contradict each other', async () => {
    const { train, on } = workplace();
    const addon = machineWith([{}]);
    for (const flags of [['--tf32'], ['--gpu-index', '0']]) {
      const { code, stderr } = await train(addon, '--device', 'cpu', ...flags);
      expect([code, oneLineOf(stderr)]).toEqual([
        2,
        `trainyard: ${flags[0]} belongs to --device cuda, not to cpu: leave one out.`,
      ]);
    }
    for (const [machine, flags, reason] of [
      [machineWith([]), ['--tf32'], /--tf32 belongs to a GPU, and this run would train on the CPU/],
      [addon, ['--tf32', '--precision', 'bf16'], /--tf32 belongs to --precision f32, not to bf16/],
      [addon, ['--device', 'cuda', '--threads', '3'], /--threads belongs to --device cpu, not to cuda/],
      [addon, ['--threads', '3'], /--threads belongs to --device cpu, not to cuda/],
    ] as const) {
      const { code, stderr } = await train(machine, ...flags);
      expect([code, oneLineOf(stderr)]).toEqual([2, expect.stringMatching(reason)]);
    }
    const resumed = await on(addon, 'resume', 'x', '--device', 'cpu', '--gpu-index', '1');
    expect([resumed.code, oneLineOf(resumed.stderr)]).toEqual([2, expect.stringMatching(/--gpu-index belongs to/)]);
  });

  it('refuses what it can not train, and leaves neither a run nor a dataset', async () => {
    const { home, train } = workplace();
    for (const [flags, reason] of [
      [['--width', '256'], /256 wide, and 128 is the most/],
      [['--width', '4096', '--heads', '32', '--layers', '48'], /needs .* GiB and the device has 7\.31 GiB free/],
    ] as const) {
      const { code, stderr } = await train(machineWith([{}]), '--device', 'cuda', ...flags);
      expect([code, oneLineOf(stderr)]).toEqual([1, expect.stringMatching(reason)]);
    }
    expect(fs.existsSync(path.join(home, 'datasets'))).toBe(false);
    expect(fs.existsSync(path.join(home, 'trainyard.db'))).toBe(false);
  });

  it('is another one where the GPU of a run is gone: text, losses, and going on', async () => {
    const { dir, home, train, on } = workplace();
    const [one, none] = [machineWith([{}]), machineWith([], noDriver('13.0'))];
    expect((await train(one, '--device', 'cuda', '--name', 'peppers')).code).toBe(0);
    const moved = 'GPU 0, which it was trained on, is unavailable here: using the CPU';
    const write = ['generate', 'peppers', '--tokens', '4', '--prompt', 'peter'];
    const written = await on(none, ...write);
    expect([written.code, written.stderr.trimEnd()]).toEqual([0, moved]);
    expect(written.stdout).toMatch(/^peter/);
    expect((await on(one, ...write)).stderr).toBe('');
    expect(await on(one, ...write, '--device', 'cpu')).toMatchObject({ code: 0, stdout: written.stdout, stderr: '' });

    const measured = await on(none, 'eval', 'loss', 'peppers', '--sequences', '2', '--json');
    expect([measured.code, measured.stderr.trimEnd()]).toEqual([0, moved]);
    const items = path.join(dir, 'items.jsonl');
    const item = { ind: 0, activity_label: 'P', ctx_a: 'He', ctx_b: 'he', endings: ['a', 'b', 'c', 'd'], label: '0' };
    fs.writeFileSync(items, `${JSON.stringify(item)}\n${JSON.stringify({ ...item, ind: 1 })}\n`);
    const { root } = remains(home);
    const folder = path.join(root, 'step-000003');
    for (const what of ['peppers', folder]) {
      const scored = await on(none, 'eval', 'hellaswag', what, '--data', items, '--json');
      expect([what, scored.code, scored.stderr.trimEnd()]).toEqual([what, 0, moved]);
    }

    for (const args of [write, ['eval', 'loss', 'peppers'], ['resume', 'peppers']]) {
      const { code, stderr } = await on(none, ...args, '--device', 'cuda');
      // What is complete is told first.
      const said = args[0] === 'resume' ? /is already finished/ : /no NVIDIA driver here .*580 or newer.*--device cpu/;
      expect([code, oneLineOf(stderr)]).toEqual([1, expect.stringMatching(said)]);
    }
    const longer = ['continue', 'peppers', '--phase', 'constant:2:1e-3', '--json'];
    const stuck = await on(none, ...longer);
    expect([stuck.code, oneLineOf(stuck.stderr)]).toEqual([1, expect.stringMatching(/580 or newer.*--device cpu/)]);
    expect(remains(home).run).toMatchObject({ state: 'completed', device: 'cuda', stepsTotal: 3 });
    const full = machineWith([{ freeBytes: 0 }]);
    const more = path.join(dir, 'more.txt');
    fs.writeFileSync(more, 'how many pickled peppers did he pick? '.repeat(100));
    for (const _ of [1, 2]) {
      const refused = await on(full, ...longer, '--data', more);
      expect([refused.code, oneLineOf(refused.stderr)]).toEqual([1, expect.stringMatching(/Phase 2 .*nvidia-smi/)]);
    }
    expect(remains(home).run).toMatchObject({ state: 'completed', device: 'cuda', stepsTotal: 3 });
    expect(fs.readdirSync(path.join(home, 'datasets'))).toHaveLength(1);
    const moves = await on(none, ...longer, '--device', 'cpu');
    expect(moves).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(moves.stdout.split('\n')[0]!)).toMatchObject({
      type: 'note',
      text: 'resumes on the CPU: results are not bit-exact from here on',
    });
    expect(remains(home).run).toMatchObject({ state: 'completed', step: 5, device: 'cpu' });
    expect((await on(one, ...longer, '--device', 'cuda')).code).toBe(0);
    expect(remains(home).run).toMatchObject({ state: 'completed', step: 7, device: 'cuda' });
  });
});

describe('what this machine has', () => {
  const two = () =>
    machineWith([
      { name: 'first', memoryBytes: 8 * gib },
      { memoryBytes: 24 * gib, freeBytes: 20 * gib },
    ]);

  it('is what a plan is held against', async () => {
    const { on } = workplace();
    const fit = async (...args: string[]) => {
      const { stdout } = await on(two(), 'fit', '--preset', 'nano', '--json', ...args);
      return (JSON.parse(stdout) as { budget: unknown }).budget;
    };
    const kernels = 192 * 2 ** 20;
    expect(await fit('--gpu', 'here:0')).toMatchObject({ totalBytes: 8 * gib, bytes: 7.5 * gib - kernels });
    expect(await fit('--gpu', 'here')).toEqual({
      name: "this machine's emulated GPU (GPU 1)",
      totalBytes: 24 * gib,
      reserveBytes: 4.5 * gib + kernels,
      bytes: 19.5 * gib - kernels,
      hostBytes: expect.any(Number) as number,
      parts: [
        { role: 'driver', bytes: 0.5 * gib, source: 'assumed' },
        { role: 'kernels', bytes: kernels },
        { role: 'others', bytes: 4 * gib },
      ],
    });
    expect(await fit('--gpu', 'here:0', '--reserve', '1024')).toMatchObject({
      parts: [
        { role: 'driver', bytes: gib, source: 'given' },
        { role: 'others', bytes: 0 },
      ],
    });
    expect(await fit('--gpu', 'rtx-3060-12gb')).toMatchObject({
      parts: [{ role: 'driver', bytes: 0.5 * gib, source: 'given' }],
    });
    const table = (await on(two(), 'fit', '--preset', 'nano', '--gpu', 'here:1')).stdout;
    expect(table).toMatch(/driver \(assumed, not measured yet\) +536,870,912/);
    expect(table).toMatch(/other processes +4,294,967,296/);
  });

  it('is full where others fill it: a plan is shown with what is missing, and who holds it', async () => {
    const { on } = workplace();
    const full = machineWith([{ freeBytes: 0 }]);
    const here = ['fit', '--preset', 'nano', '--gpu', 'here'];
    const shown = await on(full, ...here);
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toMatch(
      /OVER BUDGET by .*\n[^]*other processes use the memory it needs: end what else uses the GPU/,
    );
    expect((await on(full, ...here, '--json')).code).toBe(0);
    const solved = await on(full, ...here, '--solve', 'batch');
    expect([solved.code, oneLineOf(solved.stderr)]).toEqual([
      1,
      expect.stringMatching(/Nothing fits .*: end what else/),
    ]);
    const reserved = await on(full, ...here, '--reserve', '100');
    expect([reserved.code, oneLineOf(reserved.stderr)]).toEqual([2, expect.stringMatching(/--reserve/)]);
  });

  it('is asked about in a way that makes sense, or not at all', async () => {
    const { on } = workplace();
    for (const [flags, reason] of [
      [['--gpu', 'here:0:9'], /--gpu here:N/],
      [['--reserve', '100'], /--reserve belongs to --gpu or --memory/],
      [['--gpu', 'here', '--memory', '8'], /Give --gpu or --memory, not both/],
    ] as const) {
      const { code, stderr } = await on(two(), 'fit', '--preset', 'nano', ...flags);
      expect([code, oneLineOf(stderr)]).toEqual([2, expect.stringMatching(reason)]);
    }
  });

  it('has no GPU where there is none: that is said, with what to do', async () => {
    const { on } = workplace();
    const { code, stderr } = await on(machineWith([]), 'fit', '--gpu', 'here');
    expect([code, oneLineOf(stderr)]).toEqual([
      1,
      expect.stringMatching(
        /^trainyard: No GPU can be used: no CUDA-capable device is detected\. Name one .*--memory GIB/,
      ),
    ]);
    const beyond = await on(two(), 'fit', '--gpu', 'here:2');
    expect(oneLineOf(beyond.stderr)).toMatch(/no GPU 2 here: --gpu-index takes 0 to 1 .*trainyard doctor/);
  });

  where(it, [hasCpu, lack.cpu])(
    'is listed by the doctor, every GPU by its number where there are several',
    async () => {
      const { on } = workplace();
      const names = async (addon: string) =>
        (JSON.parse((await on(addon, 'doctor', '--json')).stdout) as { what: string }[])
          .map(({ what }) => what)
          .filter((what) => what.startsWith('cuda'));
      expect(await names(two())).toEqual(['cuda device 0', 'cuda device 1']);
      expect(await names(machineWith([{}]))).toEqual(['cuda device']);
      expect(await names(machineWith([]))).toEqual(['cuda device']);
    },
  );
});
