import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import { kindsStayHome } from './tests/checks/kindsStayHome.mjs';

export default ts.config(
  { ignores: ['native/build/**', 'dist/**'] },
  ts.configs.strict,
  svelte.configs['flat/recommended'],
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-var': 'error',
    },
  },
  {
    files: ['electron/**', 'renderer/**'],
    plugins: { trainyard: { rules: { 'kinds-stay-home': kindsStayHome } } },
    rules: { 'trainyard/kinds-stay-home': 'error' },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // `let { a } = $props()` and `$state` are written to by bindings.
      'prefer-const': 'off',
      // Links are made by `href`, which the window's own router reads.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
);
