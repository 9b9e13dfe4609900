/** Imports point one way: renderer → api types, and in it pages → charts → ui → state; api → studio → engine, data, evals, exchange. Nothing imports api. */
const rule = (name, comment, from, to, extra = {}) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, ...extra },
  to,
});

const below = '^electron/(base|engine|data|evals|exchange)/';

export default {
  forbidden: [
    rule('no-cycles', 'modules must not import each other in a circle', '.*', {
      circular: true,
      viaOnly: { dependencyTypesNot: ['type-only'] },
    }),
    rule(
      'renderer-sees-api-types',
      'the renderer knows the API, and how numbers and states are written',
      '^renderer/',
      {
        path: '^electron/',
        pathNot: '^electron/(api/|base/(format|states)\\.ts$)',
      },
    ),
    rule('state-stands-alone', 'what the window knows is not told by what shows it', '^renderer/state/', {
      path: '^renderer/(pages|charts|ui)/',
    }),
    rule('ui-knows-no-page', 'components that pages share know none of them, and no chart', '^renderer/ui/', {
      path: '^renderer/(pages|charts)/',
    }),
    rule('charts-know-no-page', 'charts are drawn on any page', '^renderer/charts/', { path: '^renderer/pages/' }),
    rule('nothing-below-imports-studio', 'engine, data, evals and exchange do not know the studio', below, {
      path: '^(electron/(studio|api|cli|process|desktop)/|renderer/)',
    }),
    rule('studio-does-not-import-its-doors', 'the studio does not know its API or command line', '^electron/studio/', {
      path: '^(electron/(api|cli)/|renderer/)',
    }),
    rule(
      'nothing-below-knows-its-process',
      'in which process the studio is, is known to who starts it',
      '^electron/(studio|api)/',
      {
        path: '^electron/(process|desktop)/|^electron/main\\.ts$',
      },
    ),
    rule('program-stands-alone', 'programs know no op, model, device, data or run', '^electron/engine/program/', {
      path: '^electron/(engine/(?!program/)|data|studio|evals|exchange)',
    }),
    rule(
      'devices-stay-home',
      'a kind of device is known to the registry of devices alone',
      '^(electron/(?!engine/devices/)|renderer/)',
      { path: '^electron/engine/devices/[^/]+/' },
    ),
    rule('rng-stands-alone', 'random numbers need nothing', '^electron/base/rng/', { path: '^electron/(?!base/rng/)' }),
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
    enhancedResolveOptions: { extensions: ['.ts', '.svelte', '.mjs', '.js', '.json'] },
  },
};
