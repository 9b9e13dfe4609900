import { builtinModules } from 'node:module';
import { defineConfig } from 'vite';
import manifest from './package.json' with { type: 'json' };

/** What is loaded from node_modules, or from Electron and Node themselves. */
const external = [
  'electron',
  /^node:/,
  ...builtinModules,
  ...[...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies), '@tensorflow/tfjs'].map(
    (name) => new RegExp(`^${name}(/|$)`),
  ),
];

const preload = process.env.TRAINYARD_PRELOAD === '1';

/** The desktop application's own code: modules for its processes, and the preload script, which a sandbox wants in one file. */
export default defineConfig({
  build: {
    outDir: 'dist/electron',
    emptyOutDir: !preload,
    target: 'node24',
    minify: false,
    ssr: true,
    rolldownOptions: preload
      ? { input: { preload: 'electron/preload.ts' }, external, output: { format: 'cjs', entryFileNames: '[name].cjs' } }
      : {
          input: {
            main: 'electron/main.ts',
            studio: 'electron/process/main.ts',
            engine: 'electron/engine/process/main.ts',
            parseWorker: 'electron/data/prepare/parse.worker.ts',
            planWorker: 'electron/studio/planning/plan.worker.ts',
          },
          external,
          output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
        },
  },
});
