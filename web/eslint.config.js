import path from 'node:path';
import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const SRC = path.join(import.meta.dirname, 'src');

/** The room a file lives in: 'kit', 'client', 'features/wall', 'app'; null outside src. */
function roomOf(file) {
  const parts = path.relative(SRC, file).split(path.sep);
  if (parts[0] === '..' || path.isAbsolute(parts[0])) return null;
  if (parts[0] === 'features') return `features/${parts[1]}`;
  return parts[0] === 'kit' || parts[0] === 'client' ? parts[0] : 'app';
}

/** kit, client <- features <- app; a feature never meets another feature. */
function mayImport(from, to) {
  if (from === to || from === 'app') return true;
  return from.startsWith('features/') && (to === 'kit' || to === 'client');
}

const floors = {
  meta: { type: 'problem', schema: [], messages: { wall: '{{from}} may not import {{to}}' } },
  create(context) {
    const from = roomOf(context.filename);
    function check(node) {
      const source = node.source?.value;
      if (from === null || typeof source !== 'string' || !source.startsWith('.')) return;
      const to = roomOf(path.resolve(path.dirname(context.filename), source));
      if (to !== null && !mayImport(from, to)) {
        context.report({ node, messageId: 'wall', data: { from, to } });
      }
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default tseslint.config(
  { ignores: ['node_modules', 'src/client/schema.d.ts', '*.cjs'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': reactHooks, luytre: { rules: { floors } } },
    rules: {
      ...reactHooks.configs.recommended.rules,
      'luytre/floors': 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 90, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A router redirect is thrown by design.
      '@typescript-eslint/only-throw-error': 'off',
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: { globals: { process: 'readonly' } },
  },
  {
    files: ['**/*.test.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
