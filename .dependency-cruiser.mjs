/** Imports point one way: renderer → api types; api → studio → engine, data, evals, exchange. Nothing imports api. */
const rule = (name, comment, from, to, extra = {}) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, ...extra },
  to,
});

const below = '^electron/(engine|data|evals|exchange|rng)/';

export default {
  forbidden: [
    rule('no-cycles', 'modules must not import each other in a circle', '.*', {
      circular: true,
      viaOnly: { dependencyTypesNot: ['type-only'] },
    }),
    rule('renderer-sees-api-types', 'the renderer knows the API and how numbers are written', '^renderer/', {
      path: '^electron/',
      pathNot: '^electron/(api/|format\\.ts$)',
    }),
    rule('nothing-below-imports-studio', 'engine, data, evals and exchange do not know the studio', below, {
      path: '^(electron/(studio|api|cli)/|renderer/)',
    }),
    rule('studio-does-not-import-its-doors', 'the studio does not know its API or command line', '^electron/studio/', {
      path: '^(electron/(api|cli)/|renderer/)',
    }),
    rule('program-stands-alone', 'programs know no model, device, data or trainer', '^electron/engine/program/', {
      path: '^electron/(engine/(?!program/)|data|studio|evals|exchange)',
    }),
    rule('rng-stands-alone', 'random numbers need nothing', '^electron/rng/', { path: '^electron/(?!rng/)' }),
    rule('base-stands-alone', 'files, owners and locks know nothing above them', '^electron/base/', {
      path: '^(electron/(?!base/)|renderer/)',
    }),
    rule('no-orphan-packages', 'what is imported is a declared dependency', '^(electron|renderer)/', {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown'],
    }),
    rule('no-dev-packages', 'the product does not import development packages', '^electron/', {
      dependencyTypes: ['npm-dev'],
      pathNot: '@tensorflow/tfjs|node_modules/electron/',
      dependencyTypesNot: ['type-only'],
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'] },
  },
};
