/**
 * `npm run setup:tfjs [cpu|gpu]`: gives `@tensorflow/tfjs-node-gpu`, which `npm ci` leaves without one, a native TensorFlow.
 * Its own script fetches an old one from a place that not every network reaches, and that serves ever fewer systems. Here libtensorflow
 * comes from the wheel on PyPI, by its hash, and the binding is compiled from the package's sources. 210 MB to fetch, or 2 GB for GPUs.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BuildError, findCompiler, run } from '../toolchain.ts';
import { unpackWheels } from './pip.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const modules = path.join(root, 'node_modules');
const tfjsNode = path.join(modules, '@tensorflow', 'tfjs-node-gpu');
const unpacked = path.join(root, 'native', 'build', 'tensorflow');

/** The wheels are for this Python, which need not be here: only files are taken from them. */
const platform = [
  ...['--python-version', '3.10', '--implementation', 'cp', '--abi', 'cp310', '--abi', 'none'],
  ...['manylinux_2_17', 'manylinux2014', 'manylinux1'].flatMap((name) => ['--platform', `${name}_x86_64`]),
];

/** Replaces the libraries that the package loads. */
function takeLibraries(): void {
  const deps = path.join(tfjsNode, 'deps');
  fs.rmSync(deps, { recursive: true, force: true });
  fs.mkdirSync(path.join(deps, 'lib'), { recursive: true });
  const folder = path.join(unpacked, 'tensorflow');
  for (const name of fs.readdirSync(folder).filter((file) => /^libtensorflow.*\.so\.2$/.test(file)))
    fs.renameSync(path.join(folder, name), path.join(deps, 'lib', name));
  // Where libtensorflow looks for NVIDIA's libraries: $ORIGIN/../nvidia.
  const nvidia = path.join(unpacked, 'nvidia');
  if (fs.existsSync(nvidia)) fs.renameSync(nvidia, path.join(deps, 'nvidia'));
}

async function compileBinding(): Promise<void> {
  const folder = path.join(tfjsNode, 'lib', 'napi-v8');
  fs.mkdirSync(folder, { recursive: true });
  const sources = path.join(tfjsNode, 'binding');
  await run(
    [
      ...[...findCompiler().command, '-shared', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8'],
      ...['tensorflow/include', 'tensorflow/include/external'].map((dir) => `-I${path.join(unpacked, dir)}`),
      `-I${path.join(modules, 'node-api-headers', 'include')}`,
      ...fs
        .readdirSync(sources)
        .filter((name) => name.endsWith('.cc'))
        .map((name) => path.join(sources, name)),
      ...['-o', path.join(folder, 'tfjs_binding.node'), `-L${path.join(tfjsNode, 'deps', 'lib')}`],
      ...['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
    ],
    'Compiling the binding of TensorFlow',
  );
}

/** What the tfjs device says of itself, in a process of its own. @throws BuildError when it is not native TensorFlow */
function describe(): string {
  const script = `const { createTfjsDevice } = await import('./electron/engine/devices/tfjs/device.ts');
    console.log((await createTfjsDevice()).description);`;
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, TRAINYARD_TFJS: 'native' } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], options);
  if (status === 0) return stdout.trim();
  process.stderr.write(stderr);
  throw new BuildError('TensorFlow was set up and does not load (its message is above).');
}

try {
  const [kind = 'cpu', ...rest] = process.argv.slice(2);
  if ((kind !== 'cpu' && kind !== 'gpu') || rest.length > 0)
    throw new BuildError(`It sets up \`cpu\` or \`gpu\`, and not '${[kind, ...rest].join(' ')}'.`);
  if (!fs.existsSync(tfjsNode)) throw new BuildError('@tensorflow/tfjs-node-gpu is not installed: run `npm ci` first.');
  if (process.platform === 'linux' && process.arch === 'x64') {
    try {
      await unpackWheels(path.join(import.meta.dirname, `tensorflow-${kind}.txt`), unpacked, platform);
      takeLibraries();
      await compileBinding();
    } finally {
      fs.rmSync(unpacked, { recursive: true, force: true });
    }
  } else {
    // PyPI has no wheel with libtensorflow for these: what the package fetches for itself is all there is.
    await run(
      [process.execPath, path.join(tfjsNode, 'scripts', 'install.js'), kind, 'download'],
      'Fetching TensorFlow',
      'its',
    );
  }
  console.log(describe());
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`setup:tfjs: ${error.message}`);
  process.exitCode = 1;
}
