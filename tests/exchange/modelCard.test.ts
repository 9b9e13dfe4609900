import { describe, expect, it } from 'vitest';
import { type CardFacts, modelCard } from '../../electron/exchange/modelCard/card.ts';
import { curveSvg, ticks } from '../../electron/exchange/modelCard/curve.ts';

const facts: CardFacts = {
  name: 'a "model"',
  model: { vocabSize: 50257, contextLength: 4096, nLayer: 26, nHead: 16, nEmbd: 1024, dropout: 0 },
  tokenizer: 'gpt2',
  dtype: 'bf16',
  step: 10,
  tokensSeen: 2_621_440,
  tokensPerStep: 262_144,
  precision: 'f16',
  weightDecay: 0.1,
  gradClip: 1,
  betas: [0.9, 0.95],
  seed: 1,
  datasets: [],
  phases: [],
  devices: [],
  seconds: 0,
  evaluations: [],
  samples: [{ prompt: '```\n', text: 'code ````', temperature: 0.8 }],
};

describe('the model card', () => {
  it('says what is known and leaves out what is not', () => {
    const card = modelCard(facts, {}, undefined);
    expect(card).toContain('| **a "model"** | 26 | 16 | 1024 | 4096 | 50,257 | 383,161,344 |');
    for (const unknown of [
      'license',
      'language',
      'model-index',
      'HellaSwag',
      'undefined',
      'null',
      'NaN',
      '![',
      'trained on ',
    ])
      expect(card).not.toContain(unknown);
    // Whatever the text is, its fence is longer.
    expect(card).toContain('`````text\n```\ncode ````\n`````');
  });

  it('has front matter that is YAML, whatever the names are', () => {
    const evaluations = [{ step: 10, loss: 2.5, bitsPerByte: null, acc: 0.3095, accNorm: 0.35, items: 10_042 }];
    const card = modelCard(
      { ...facts, evaluations, base: 'no' },
      { license: 'apache-2.0', language: ['en', 'no'] },
      'curve.svg',
    );
    const [, matter] = card.split('---\n');
    expect(matter).toContain('- name: "a \\"model\\""');
    expect(matter).toContain('language:\n- en\n- "no"\n');
    expect(matter).toContain('base_model: "no"');
    expect(matter).toContain('value: 0.3095');
    expect(card).toContain(
      '| step | tokens | validation loss (nats/token) | perplexity | HellaSwag accuracy | acc_norm | items |',
    );
    expect(card).toContain('| 10 | 2.62M | 2.5000 | 12.18 | 0.3095 | 0.3500 | 10,042 |');
    expect(card).toContain('![Loss over tokens](curve.svg)');
  });
});

describe('the picture of a curve', () => {
  it('has round numbers on its axes', () => {
    expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks(2.31, 2.79, 5)).toEqual([2.4, 2.5, 2.6, 2.7]);
    expect(ticks(0, 262_144 * 3000, 6)).toEqual([0, 2e8, 4e8, 6e8]);
    expect(ticks(1, 1, 5)).toEqual([1]);
  });

  it('draws every number inside the picture, and no other', () => {
    const points = [Number.NaN, 4, 3, Infinity, 2.5].map((y, i) => ({ x: i * 1e6, y }));
    const svg = curveSvg('<loss> & "more"', 'tokens', 'nats', [{ name: 'a', points }]);
    expect(svg).toContain('&lt;loss&gt; &amp; &quot;more&quot;');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const plotted = [...svg.matchAll(/polyline points="([^"]*)"/g)].map(([, points]) => points!.split(' '));
    // What was not measured is not joined over, and a point alone is a dot.
    expect(plotted.map((part) => part.length)).toEqual([2, 1]);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    const at = plotted.flat().map((p) => p.split(',').map(Number) as [number, number]);
    for (const [x, y] of at) expect(x >= 0 && x <= 720 && y >= 0 && y <= 360).toBe(true);
    expect(at[0]![1]).toBeLessThan(at[2]![1]); // higher values lie higher
    expect(curveSvg('', '', '', [])).toContain('<svg');
  });

  it('tells the labels of a narrow range apart, and keeps a constant flat', () => {
    const of = (values: number[]) =>
      curveSvg('t', 'x', 'y', [{ name: 'a', points: values.map((y, i) => ({ x: i, y })) }]);
    const labels = [...of([3.00001, 3.00002, 3.00005]).matchAll(/text-anchor="end">([^<]*)</g)].map(
      ([, label]) => label,
    );
    expect(labels.length).toBeGreaterThan(2);
    expect(new Set(labels).size).toBe(labels.length);
    const [, flat] = /polyline points="([^"]*)"/.exec(of([3, 3 + 1e-12, 3 - 1e-12]))!;
    expect(new Set(flat!.split(' ').map((p) => p.split(',')[1])).size).toBe(1);
    const many = [...Array.from({ length: 80 }, (_, i) => i), Number.NaN, 5, Number.NaN, 6];
    expect(of(many).match(/<circle/g)).toHaveLength(2);
  });
});
