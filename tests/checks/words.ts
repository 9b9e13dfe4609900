/**
 * `npm run check:words`: holds words out of identifiers for which the field has others (docs/glossary.md). Lists the names that don't
 * keep to it, and fails.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Words of a name that are not the field's, and what is. */
const instead: Readonly<Record<string, string>> = {
  usual: 'default',
  usually: 'default',
  most: 'max',
  least: 'min',
  really: 'enqueue',
  rehearse: 'warm up',
  rehearses: 'warms up',
  rehearsal: 'warm-up',
  aside: 'reserve, stash',
  brought: 'module',
  recording: 'graph',
  stretch: 'range, slice, segment',
  stretches: 'ranges, slices, segments',
  tell: 'report, emit',
  tells: 'reports, emits',
  telling: 'reporting',
  told: 'reported, emitted',
  drawn: 'sampled, plotted',
  begun: 'started',
  begins: 'starts',
  together: 'fused',
  nobodys: 'ignored',
};

/** The words of a name: `#mostRows` has two, `kMostRows` the same. */
export const wordsOf = (name: string): string[] =>
  name
    .replace(/^k(?=[A-Z])/, '')
    .split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\d#$]+/)
    .map((word) => word.toLowerCase());

function namesOfTypeScript(text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) names.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('names.ts', text, ts.ScriptTarget.Latest));
  return names;
}

const scriptsOf = (svelte: string): string =>
  [...svelte.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script]) => script).join('\n');

const namesOfCpp = (text: string): string[] =>
  text
    .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, ' ')
    .match(/(?<![\w.])[A-Za-z_]\w*|(?<=[\w)\]]\.)[A-Za-z_]\w*/g) ?? [];

/** The names of a file that have a word which is not the field's, and that word. @param file its name, which says its language */
export function wrongNames(file: string, text: string): ReadonlyMap<string, string> {
  const names = file.endsWith('.svelte')
    ? namesOfTypeScript(scriptsOf(text))
    : /\.(ts|mjs)$/.test(file)
      ? namesOfTypeScript(text)
      : namesOfCpp(text);
  const wrong = new Map<string, string>();
  for (const name of names) {
    const word = wordsOf(name).find((w) => Object.hasOwn(instead, w));
    if (word !== undefined) wrong.set(name, word);
  }
  return wrong;
}

if (import.meta.main) {
  const root = path.resolve(import.meta.dirname, '../..');
  const listed = ['*.ts', '*.mjs', '*.svelte', '*.h', '*.cpp'];
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...listed], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files
    .split('\n')
    .filter((f) => f !== '' && !f.startsWith('tests/checks/words') && fs.existsSync(path.join(root, f)))) {
    for (const [name, word] of wrongNames(file, fs.readFileSync(path.join(root, file), 'utf8'))) {
      console.error(`${file}: ${name}: the field says ${instead[word]} (docs/glossary.md)`);
      process.exitCode = 1;
    }
  }
}
