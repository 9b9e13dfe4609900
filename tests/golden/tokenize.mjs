// Makes hellaswag/tokens.json and tokens-gpt2.json: npm i --no-save tiktoken; node tests/golden/tokenize.mjs ITEMS.jsonl OUT_DIR
// Prompt as EleutherAI's lm-evaluation-harness (task hellaswag 1.0) makes it. Two tokenizers must agree.
import fs from 'node:fs';
import path from 'node:path';
import { encode } from 'gpt-tokenizer/encoding/r50k_base';
import { get_encoding } from 'tiktoken';
const tk = get_encoding('gpt2');
const [, , itemsPath, out] = process.argv;
const ids = (s) => {
  const a = encode(s, { disallowedSpecial: new Set() }),
    b = [...tk.encode_ordinary(s)];
  if (a.length !== b.length || a.some((x, i) => x !== b[i]))
    throw new Error('tokenizers differ on ' + JSON.stringify(s));
  return a;
};
const clean = (s) =>
  s
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ');
const capitalize = (s) => s.slice(0, 1).toUpperCase() + s.slice(1).toLowerCase(); // Python's str.capitalize: the rest is lowered
const rows = fs
  .readFileSync(itemsPath, 'utf8')
  .trim()
  .split('\n')
  .map((l) => JSON.parse(l))
  .map((d) => {
    const query = clean(d.activity_label + ': ' + d.ctx_a + ' ' + capitalize(d.ctx_b));
    const endings = d.endings.map(clean);
    const context = ids(query);
    return {
      ind: d.ind,
      label: d.label,
      query,
      context,
      endings: endings.map((e) => ids(query + ' ' + e).slice(context.length)),
      chars: endings.map((e) => [...e].length),
    };
  });
fs.mkdirSync(path.join(out, 'hellaswag'), { recursive: true });
fs.writeFileSync(path.join(out, 'hellaswag', 'tokens.json'), JSON.stringify(rows));
const tricky = [
  '',
  ' ',
  'Hello world',
  ' leading',
  'trailing ',
  'tabs\tand\nnew\r\nlines\n\n\n',
  "it's we'll I'd they've",
  '12345 3.14159 1e-5',
  'ünïcödé 漢字 かな 🙂👩‍👩‍👧 ﷺ',
  'a'.repeat(300),
  'def f(x):\n    return x**2  # code',
  '<|endoftext|>',
  '\u0000\u0001\u007f',
  'ZürichStraße'.repeat(5),
  '          many      spaces',
  '…—“quotes”',
];
fs.writeFileSync(
  path.join(out, 'tokens-gpt2.json'),
  JSON.stringify(
    tricky.map((text) => ({ text, ids: ids(text) })),
    null,
    1,
  ),
);
