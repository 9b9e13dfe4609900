import ts from 'typescript-eslint';

export default ts.config({ ignores: ['native/build/**', 'dist/**'] }, ts.configs.strict, {
  rules: {
    '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    '@typescript-eslint/no-non-null-assertion': 'off',
    '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    eqeqeq: 'error',
    'prefer-const': 'error',
    'no-var': 'error',
  },
});
