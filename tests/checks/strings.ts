/**
 * `npm run check:strings`: holds the words that people read to the trade's (docs/glossary.md), and numbers, plurals and dots to one form.
 * It looks at every string of electron/ and renderer/ that has words in it, and at the text of pages. Lists what is wrong, and fails.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'svelte/compiler';
import ts from 'typescript';

interface Rule {
  readonly wrong: RegExp;
  readonly instead: string;
}

/** What is not said, and what is. Templates have `{}` in the place of each value. */
const rules: readonly Rule[] = [
  { wrong: /\b(begin|begins|began|begun|beginning)\b/i, instead: 'start' },
  { wrong: /\b(go|goes|going|went) (on|back)\b/i, instead: 'resume, continue, roll back' },
  { wrong: /\banew\b/i, instead: 'again, restart' },
  { wrong: /\btrains? (it|them|the run|a run|this) on\b|^train on$/i, instead: 'continue training' },
  { wrong: /\b(come|comes|came) to rest\b/i, instead: 'end, stop' },
  { wrong: /\blook inside\b/i, instead: 'preview' },
  { wrong: /\blook again\b/i, instead: 'rescan' },
  { wrong: /\bheld against\b/i, instead: 'target GPU' },
  { wrong: /\bcut outliers\b/i, instead: 'ignore outliers' },
  { wrong: /\bpublished curve/i, instead: 'reference run' },
  { wrong: /\bworking weights\b/i, instead: 'half-precision weights' },
  { wrong: /\brecordings?\b/i, instead: 'CUDA graph' },
  { wrong: /\bpassed over\b/i, instead: 'skipped' },
  { wrong: /\b(is|are) gone\b|\b(is|are) not here\b/i, instead: 'not found, missing' },
  { wrong: /\bfor good\b/i, instead: 'permanently' },
  { wrong: /\bto the same bits?\b/i, instead: 'bit-exactly' },
  { wrong: /\b(as )?usual\b/i, instead: 'default' },
  { wrong: /\b(tell|tells|told)\b/i, instead: 'report, show' },
  { wrong: /\bwarm-up\b/i, instead: 'warmup' },
  { wrong: /\btick\b/i, instead: 'select' },
  { wrong: /\bin the place of\b/i, instead: 'instead of' },
  { wrong: /\bdocuments by hash\b/i, instead: 'subset (hash range)' },
  { wrong: /\bend before\b/i, instead: 'stop sequences' },
  { wrong: /\bprepare (it|its text|the dataset|the text)( again)?\b/i, instead: 'tokenize' },
  { wrong: /\bmatrix products?\b/i, instead: 'matmul' },
  { wrong: /\b(tokens|bytes|items|text|{}|[kmµ]?s|[KMG]i?B) an? (second|step|line)\b/i, instead: '/s, per step' },
  {
    wrong:
      /\w*(?:util|token|optim|initial|normal|quant|summar|recogn)is(?:e|ed|es|ing|ation)\b|(?:col|neighb|behavi)our/i,
    instead: 'American spelling',
  },
  { wrong: /\s(…|\.\.\.)$/, instead: 'no space before …' },
  { wrong: /!$/, instead: 'a full stop' },
];

const countable =
  '(steps|tokens|files|documents|runs|checkpoints|items|sequences|layers|heads|problems|lines|phases|values|characters)\\b(?!\\/s)';
/** A count before a word that has an s, whatever the count is: `plural` knows both. */
const counted = new RegExp(`(?<!\\bof |[a-zA-Z]: ){} ${countable}`);

/** Where what is wrong is a defect, and told with names of the program. */
const inner = /^electron\/(engine\/(ops|devices|program|verify)|exchange\/(tokens|safetensors|huggingFace))\//;

const readable = ['title', 'aria-label', 'placeholder', 'label', 'alt'];

/** What a person may read of a script: strings with more than one word, and those that are values of `text.ts`. */
function stringsOfScript(text: string, all: boolean): string[] {
  const found: string[] = [];
  const take = (said: string) => {
    if (/^(BEGIN|SELECT|UPDATE|DELETE|INSERT|PRAGMA|CREATE|ALTER)\b/.test(said)) return;
    if (all ? /[a-z]/i.test(said) : /[a-z]{2}\S*\s+\S*[a-z{]/i.test(said)) found.push(said);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) take(node.text);
    else if (ts.isTemplateExpression(node))
      take(node.head.text + node.templateSpans.map(({ literal }) => `{}${literal.text}`).join(''));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('strings.ts', text, ts.ScriptTarget.Latest));
  return found;
}

interface SvelteNode {
  readonly type?: string;
  readonly name?: string;
  readonly data?: string;
  readonly value?: unknown;
  readonly start?: number;
  readonly end?: number;
  readonly expression?: {
    readonly type?: string;
    readonly name?: string;
    readonly property?: { readonly name?: string };
  };
}

/** Text and readable attributes of markup. */
function stringsOfMarkup(svelte: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown, inAttribute: boolean): void => {
    if (Array.isArray(node)) return node.forEach((n) => visit(n, inAttribute));
    if (typeof node !== 'object' || node === null) return;
    const { type, name, data, value } = node as SvelteNode;
    if (type === 'Attribute') return visit(value, !readable.includes(name ?? ''));
    if (type === 'Text' && !inAttribute && data !== undefined && /[a-z]/i.test(data)) found.push(data.trim());
    for (const child of Object.values(node)) if (typeof child === 'object') visit(child, inAttribute);
  };
  visit(parse(svelte, { modern: true }).fragment, false);
  return found;
}

const scriptsOf = (svelte: string): string =>
  [...svelte.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script]) => script).join('\n');

/** What a person may read of a file. @param file its name, which says what it is */
export const stringsOf = (file: string, text: string): string[] =>
  file.endsWith('.svelte')
    ? [...stringsOfMarkup(text), ...stringsOfScript(scriptsOf(text), false)]
    : stringsOfScript(text, file.endsWith('/text.ts'));

/** What is wrong with a string, and what would be right. @param file where it stands */
export function faultsOf(said: string, file = ''): string[] {
  const faults = rules
    .filter(({ wrong }) => wrong.test(said))
    .map((r) => `say ${r.instead} (${r.wrong.exec(said)![0].trim()})`);
  if (!inner.test(file) && counted.test(said)) faults.push(`count with plural() (${counted.exec(said)![0]})`);
  return faults;
}

/** Where strings with counts are keys of the store. */
const stored = /^electron\/studio\/run\/hellaswag\.ts$/;

/** What are numbers and no counts: people copy them as they are. */
const identities: ReadonlySet<string> = new Set(['pid', 'seed']);

/** The name of what is written as it is, and not by a function that formats it. */
const plainName = (node: ts.Expression): string | undefined =>
  ts.isIdentifier(node) ? node.text : ts.isPropertyAccessExpression(node) ? node.name.text : undefined;

/**
 * Numbers in templates of a script that are written without separators, such as `3 of 10042 items` or `step 10042`.
 * @param words whether it is a `text.ts`, in which parameters say that they are numbers
 */
function plainNumbersOfScript(text: string, words: boolean): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node, numbers: ReadonlySet<string>): void => {
    if (ts.isFunctionLike(node)) {
      const own = node.parameters.flatMap(({ name, type }) =>
        ts.isIdentifier(name) && type?.kind === ts.SyntaxKind.NumberKeyword ? [name.text] : [],
      );
      numbers = new Set([...numbers, ...own]);
    }
    if (ts.isTemplateExpression(node)) {
      const said = node.templateSpans.map(({ literal }) => `{}${literal.text}`);
      for (const [i, { expression }] of node.templateSpans.entries()) {
        const name = plainName(expression);
        if (name === undefined || identities.has(name)) continue;
        const before = i === 0 ? node.head.text : said[i - 1]!;
        const isCount = (name === 'length' || !/\bof $/.test(before)) && ofAll.test(said.slice(i).join(''));
        const isNumber = ts.isIdentifier(expression) && numbers.has(name);
        const isStep = /(?<!ORDER BY )\bsteps? $/.test(before);
        if (words ? isNumber : isCount || isStep) found.push(`${name} in ${node.getText()}`);
      }
    }
    ts.forEachChild(node, (child) => visit(child, numbers));
  };
  visit(ts.createSourceFile('numbers.ts', text, ts.ScriptTarget.Latest, true), new Set());
  return found;
}
const ofAll = new RegExp(`^{}( of {})? ${countable}`);

/** The same of a page: counts that stand in its text. */
function plainNumbersOfMarkup(svelte: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown, inAttribute: boolean): void => {
    if (Array.isArray(node)) return node.forEach((n) => visit(n, inAttribute));
    if (typeof node !== 'object' || node === null) return;
    const { type, name, value, expression, start, end } = node as SvelteNode;
    if (type === 'Attribute') return visit(value, !readable.includes(name ?? ''));
    if (type === 'ExpressionTag' && !inAttribute) {
      const counts = expression?.type === 'MemberExpression' ? expression.property?.name : expression?.name;
      const shown = svelte.slice(start, end);
      if (/^(length|count|total|step)$/.test(counts ?? '') && !/^\{(\w*Text|common)\./.test(shown)) found.push(shown);
    }
    for (const child of Object.values(node)) if (typeof child === 'object') visit(child, inAttribute);
  };
  visit(parse(svelte, { modern: true }).fragment, false);
  return found;
}

/** Numbers that a person reads without separators where they are large. @param file its name, which says what it is */
export function plainNumbersOf(file: string, text: string): string[] {
  if (inner.test(file) || stored.test(file)) return [];
  if (file.endsWith('.svelte')) return [...plainNumbersOfMarkup(text), ...plainNumbersOfScript(scriptsOf(text), false)];
  return plainNumbersOfScript(text, file.endsWith('/text.ts'));
}

/** Stories that the program makes up, SQL, and tables of code points. */
const others = /^electron\/(data\/stories\/|studio\/store\/migrations\.ts|data\/tokenizers\/bpe\/|base\/format\.ts)/;

if (import.meta.main) {
  const root = path.resolve(import.meta.dirname, '../..');
  const listed = ['electron/*.ts', 'renderer/*.ts', 'renderer/*.svelte'];
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...listed], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files
    .split('\n')
    .filter((f) => f !== '' && !others.test(f) && fs.existsSync(path.join(root, f)))) {
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    for (const number of plainNumbersOf(file, text)) {
      console.error(`${file}: ${number}: write it with formatCount()`);
      process.exitCode = 1;
    }
    for (const said of stringsOf(file, text)) {
      for (const fault of faultsOf(said, file)) {
        console.error(`${file}: ${JSON.stringify(said.slice(0, 120))}: ${fault}`);
        process.exitCode = 1;
      }
    }
  }
}
