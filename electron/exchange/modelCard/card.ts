import { type ModelConfig, parameterCount } from '../../engine/models/index.ts';
import { formatCount, formatDuration, formatShort, plural } from '../../base/format.ts';

/** All that is known of a model and its training. What is not known is left out of the card. */
export interface CardFacts {
  readonly name: string;
  readonly model: ModelConfig;
  readonly tokenizer: string;
  readonly dtype: string;
  readonly step: number;
  readonly tokensSeen: number;
  readonly tokensPerStep: number;
  readonly precision: string;
  readonly weightDecay: number;
  readonly gradClip: number;
  readonly betas: readonly [number, number];
  readonly seed: number;
  /** What it began with, where that was another model. */
  readonly base?: string;
  readonly imported?: string;
  readonly datasets: readonly { readonly name: string; readonly tokens: number; readonly documents: number }[];
  readonly phases: readonly {
    readonly kind: string;
    readonly steps: number;
    readonly from: number;
    readonly to: number;
    readonly optimizer: string;
    readonly batch: number;
    readonly data: string;
  }[];
  readonly devices: readonly string[];
  /** Seconds of training, pauses not counted. */
  readonly seconds: number;
  readonly evaluations: readonly {
    readonly step: number;
    readonly loss: number | null;
    readonly bitsPerByte: number | null;
    readonly acc: number | null;
    readonly accNorm: number | null;
    readonly items: number | null;
  }[];
  readonly samples: readonly { readonly prompt: string; readonly text: string; readonly temperature: number }[];
}

/** What only the author knows. */
export interface CardWords {
  /** An identifier such as `apache-2.0`. */
  readonly license?: string;
  /** ISO 639-1, such as `en`. */
  readonly language?: readonly string[];
  readonly author?: string;
  readonly notes?: string;
}

/** GPT-2 as published (Radford et al. 2019), to compare with. */
const family: readonly (readonly [name: string, model: ModelConfig])[] = (
  [
    ['gpt2', 12, 12, 768],
    ['gpt2-medium', 24, 16, 1024],
    ['gpt2-large', 36, 20, 1280],
    ['gpt2-xl', 48, 25, 1600],
  ] as const
).map(([name, nLayer, nHead, nEmbd]) => {
  return [name, { vocabSize: 50257, contextLength: 1024, nLayer, nHead, nEmbd, dropout: 0 }];
});

const cell = (text: string | number): string => String(text).replace(/[|\\]/g, '\\$&').replace(/\s+/g, ' ');
const line = (cells: readonly (string | number)[]): string => `| ${cells.map(cell).join(' | ')} |`;
const table = (titles: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');

/** A text as a YAML scalar: JSON's strings are YAML's. */
const yaml = (text: string): string =>
  /^[a-zA-Z][\w.-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text);
const rate = (x: number): string =>
  x === 0 ? '0' : x >= 0.01 ? String(+x.toPrecision(4)) : Number(x.toPrecision(4)).toExponential();

function frontMatter(f: CardFacts, w: CardWords): string {
  const last = f.evaluations.find((e) => e.acc !== null);
  const list = (key: string, items: readonly string[]) =>
    items.length > 0 ? [`${key}:`, ...items.map((i) => `- ${yaml(i)}`)] : [];
  const result = last
    ? [
        'model-index:',
        `- name: ${yaml(f.name)}`,
        '  results:',
        '  - task:',
        '      type: text-generation',
        '    dataset:',
        '      name: HellaSwag (validation)',
        '      type: hellaswag',
        '    metrics:',
        '    - type: accuracy',
        `      name: acc (${plural(last.items!, 'item')})`,
        `      value: ${last.acc!.toFixed(4)}`,
        '    - type: accuracy',
        `      name: acc_norm (${plural(last.items!, 'item')})`,
        `      value: ${last.accNorm!.toFixed(4)}`,
      ]
    : [];
  return [
    '---',
    ...list('language', w.language ?? []),
    ...(w.license ? [`license: ${yaml(w.license)}`] : []),
    'library_name: transformers',
    'pipeline_tag: text-generation',
    ...list('tags', ['gpt2', 'text-generation', 'trainyard']),
    ...list(
      'datasets',
      f.datasets.map((d) => d.name),
    ),
    ...(f.base ? [`base_model: ${yaml(f.base)}`] : []),
    ...result,
    '---',
  ].join('\n');
}

function dimensions(f: CardFacts): string {
  const row = (name: string, m: ModelConfig) => [
    name,
    m.nLayer,
    m.nHead,
    m.nEmbd,
    m.contextLength,
    formatCount(m.vocabSize),
    formatCount(parameterCount(m)),
  ];
  const rows = [row(`**${f.name}**`, f.model), ...family.map(([name, m]) => row(name, m))];
  return `## Dimensions\n\n${table(['model', 'layers', 'heads', 'width', 'context', 'vocabulary', 'parameters'], rows)}`;
}

function training(f: CardFacts): string {
  if (f.imported) return `## Training\n\nThese weights were ${f.imported}; how they were trained is not known here.`;
  const facts = [
    `- ${plural(f.step, 'step')} of ${plural(f.tokensPerStep, 'token')}: ${plural(f.tokensSeen, 'token', 'tokens', formatShort)} (${formatCount(f.tokensSeen)})`,
    `- precision ${f.precision}, weight decay ${f.weightDecay}, betas ${f.betas.join(' and ')}, gradients clipped to norm ${f.gradClip}, seed ${f.seed}`,
    `- tokenizer ${f.tokenizer}`,
    ...f.datasets.map(
      (d) => `- data ${d.name}: ${formatShort(d.tokens)} training tokens of ${plural(d.documents, 'document')}`,
    ),
    ...(f.base ? [`- initialized from ${f.base}`] : []),
    ...f.devices.map((d) => `- trained on ${d}`),
    ...(f.seconds > 0 ? [`- ${formatDuration(f.seconds)} of training`] : []),
  ];
  const rows = f.phases.map((p, i) => [
    i + 1,
    p.kind,
    formatCount(p.steps),
    formatShort(p.steps * f.tokensPerStep),
    p.from === p.to ? rate(p.from) : `${rate(p.from)} → ${rate(p.to)}`,
    p.optimizer,
    p.batch,
    p.data,
  ]);
  return `## Training\n\n${facts.join('\n')}\n\n${table(['phase', 'schedule', 'steps', 'tokens', 'learning rate', 'optimizer', 'micro-batch', 'data'], rows)}`;
}

function evaluation(f: CardFacts, picture: string | undefined): string {
  if (f.evaluations.length === 0) return '';
  const some = (x: number | null, digits = 4) => (x === null ? '' : x.toFixed(digits));
  const rows = f.evaluations.map((e) => [
    formatCount(e.step),
    formatShort(e.step * f.tokensPerStep),
    some(e.loss),
    e.loss === null ? '' : some(Math.exp(e.loss), 2),
    some(e.bitsPerByte),
    some(e.acc),
    some(e.accNorm),
    e.items === null ? '' : formatCount(e.items),
  ]);
  const titles = [
    'step',
    'tokens',
    'validation loss (nats/token)',
    'perplexity',
    'bits per byte',
    'HellaSwag accuracy',
    'acc_norm',
    'items',
  ];
  // A column that nothing is known of is left out.
  const known = titles.flatMap((_, i) => (rows.some((r) => r[i] !== '') ? [i] : []));
  const shown = table(
    known.map((i) => titles[i]!),
    rows.map((r) => known.map((i) => r[i]!)),
  );
  return `## Evaluation\n\n${picture ? `![Loss over tokens](${picture})\n\n` : ''}${shown}`;
}

function samples(f: CardFacts): string {
  if (f.samples.length === 0) return '';
  // A fence that no line of the text can end.
  const fenced = ({ prompt, text, temperature }: CardFacts['samples'][number]) => {
    const whole = `${prompt}${text}`;
    const fence = '`'.repeat(Math.max(3, ...[...whole.matchAll(/`+/g)].map((m) => m[0].length + 1)));
    return `Prompt ${JSON.stringify(prompt)}, temperature ${temperature}:\n\n${fence}text\n${whole}\n${fence}`;
  };
  return `## Samples\n\n${f.samples.map(fenced).join('\n\n')}`;
}

const usage = (f: CardFacts): string => `## Use

\`\`\`python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
inputs = tokenizer("Once upon a time", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=100, do_sample=True)[0]))
\`\`\`

The weights are stored as ${f.dtype}; the context is ${plural(f.model.contextLength, 'token')}.`;

/** A Hugging Face model card: front matter and text. @param picture file name of the curve, where there is one */
export function modelCard(f: CardFacts, w: CardWords, picture: string | undefined): string {
  const intro = `# ${f.name}\n\nA GPT-2 model with ${formatShort(parameterCount(f.model))} parameters and a context of ${plural(f.model.contextLength, 'token')}, trained with Trainyard.${w.author ? ` By ${w.author}.` : ''}`;
  const parts = [
    frontMatter(f, w),
    intro,
    w.notes ?? '',
    dimensions(f),
    training(f),
    evaluation(f, picture),
    samples(f),
    usage(f),
  ];
  return `${parts.filter((p) => p !== '').join('\n\n')}\n`;
}
