import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { placeOfLink, placesOf } from '../../electron/desktop/given.ts';
import { tempDir } from '../temp.ts';

describe('a link from outside', () => {
  it('leads to a run', () => {
    for (const link of ['trainyard://run/calm-otter-1a2b', 'trainyard://run/calm-otter-1a2b/'])
      expect(placeOfLink(link)).toEqual({ kind: 'run', id: 'calm-otter-1a2b' });
  });

  it('leads nowhere where it is anything else', () => {
    for (const link of [
      'trainyard:',
      'trainyard://run',
      'trainyard://run/',
      'trainyard://settings',
      'trainyard://run/a/b',
      'trainyard://run/../settings',
      'trainyard://run/%2e%2e',
      'trainyard://run/calm-otter-1a2b?x=tokens',
      'trainyard://run/calm-otter-1a2b#/settings',
      'trainyard://run/calm-otter-1a2b\nx',
      'trainyard://evil@run/calm-otter-1a2b',
      'trainyard://RUN/calm',
      'trainyard://run/-calm',
      'trainyard://run/javascript:alert(1)',
      ' trainyard://run/calm-otter-1a2b',
      'https://example.com/trainyard://run/calm-otter-1a2b',
    ])
      expect(placeOfLink(link), link).toEqual({ kind: 'refused', what: 'link', text: link });
  });

  it('is not shown whole where it is long', () => {
    const place = placeOfLink(`trainyard://run/${'a'.repeat(1_000_000)}`);
    expect(place).toMatchObject({ kind: 'refused', what: 'link' });
    expect('text' in place && place.text.length).toBe(201);
  });
});

describe('what a command line names', () => {
  let folder: string;
  beforeEach(() => (folder = tempDir()));
  const file = (name: string, text = 'x') => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };

  it('is text, which goes together, a model, a link; switches are left out', () => {
    const [a, b] = [file('a.jsonl'), file('my texts/b.txt')];
    const weights = file('gpt2/model-00001-of-00002.safetensors');
    file('gpt2/config.json');
    const model = path.dirname(weights);
    const given = ['--no-sandbox', 'a.jsonl', '', 'trainyard://run/calm-otter-1a2b', model, '-v', path.dirname(b), b];
    expect(placesOf(given, folder)).toEqual([
      { kind: 'run', id: 'calm-otter-1a2b' },
      { kind: 'import', dir: model },
      { kind: 'data', paths: [a, path.dirname(b), b] },
    ]);
    expect(placesOf([weights], folder)).toEqual([{ kind: 'import', dir: model }]);
  });

  it('is no model without its config or its weights', () => {
    const weights = file('half/model.safetensors');
    file('other/config.json');
    expect(placesOf([weights, 'other'], folder)).toEqual([
      { kind: 'data', paths: [weights, path.join(folder, 'other')] },
    ]);
  });

  it('is refused where its name is longer than names can be', () => {
    const name = `${'a'.repeat(5000)}.jsonl`;
    expect(placesOf([name], folder)).toEqual([{ kind: 'refused', what: 'file', text: path.join(folder, name) }]);
  });

  it('is refused where it is not there', () => {
    expect(placesOf(['gone.jsonl', 'https://example.com/'], folder)).toEqual([
      { kind: 'refused', what: 'file', text: path.join(folder, 'gone.jsonl') },
      { kind: 'refused', what: 'file', text: path.join(folder, 'https:/example.com') },
    ]);
  });
});
