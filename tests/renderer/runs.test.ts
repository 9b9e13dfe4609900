import { describe, expect, it } from 'vitest';
import type { RunView } from '../../electron/api/types.ts';
import { planOf, withPicked } from '../../renderer/pages/runs/bulk.ts';
import { tagsOf } from '../../renderer/ui/tags.ts';
import {
  checkWidth,
  type ColumnName,
  defaultColumns,
  defaultColumnsIn,
  matching,
  nameWidth,
  secondsLeft,
  sorted,
  widths,
} from '../../renderer/pages/runs/columns.ts';
import { sparkPath } from '../../renderer/ui/sparkline.ts';

const run = (id: string, changes: Partial<RunView> = {}): RunView => ({
  ...{
    id,
    name: id,
    state: 'completed',
    doing: 'completed',
    logged: false,
    elsewhere: false,
    message: null,
    stoppedEarly: false,
  },
  ...{ createdAt: 1, startedAt: 1, endedAt: 2, step: 10, stepsTotal: 10, tokensSeen: 100, tokensTotal: 100 },
  ...{
    tokensPerSecond: null,
    trainedMs: 1000,
    lastLoss: 1,
    bestValLoss: null,
    bestBitsPerByte: null,
    bytesPerToken: null,
  },
  ...{
    tokenizer: 'gpt2',
    parameters: 1,
    dataset: 'books',
    data: 'books',
    optimizer: 'adamw',
    precision: 'f32',
    device: { kind: 'cpu' },
  },
  ...{ tags: [], notes: '', preset: null, archived: false },
  ...changes,
});
const ids = (runs: readonly RunView[]) => runs.map(({ id }) => id).join('');

describe('a list of runs', () => {
  it('is sorted by any column, what is not known last in both directions', () => {
    const runs = [
      run('a', { bestBitsPerByte: 2 }),
      run('b', { bestBitsPerByte: null }),
      run('c', { bestBitsPerByte: 1 }),
      run('d', { bestBitsPerByte: NaN }),
    ];
    expect(ids(sorted(runs, 'bitsPerByte', false))).toBe('cabd');
    expect(ids(sorted(runs, 'bitsPerByte', true))).toBe('acbd');
  });

  it('ranks losses per token within a tokenizer', () => {
    const runs = [
      run('a', { tokenizer: 'bytes', lastLoss: 1 }),
      run('b', { tokenizer: 'gpt2', lastLoss: 3 }),
      run('c', { tokenizer: 'bytes', lastLoss: 2 }),
    ];
    expect(ids(sorted(runs, 'loss', false))).toBe('acb');
    expect(ids(sorted(runs, 'loss', true))).toBe('bca');
  });

  it('orders what trains by the time left, before what has ended by the time it took', () => {
    const training = { state: 'training', tokensSeen: 50, tokensTotal: 100 } as const;
    const runs = [
      run('a', { trainedMs: 5 }),
      run('b', { ...training, tokensPerSecond: 1 }),
      run('c', { ...training, tokensPerSecond: 10 }),
    ];
    expect(ids(sorted(runs, 'time', false))).toBe('cba');
    expect(secondsLeft(runs[1]!)).toBe(50);
    expect(secondsLeft(run('d', { ...training, tokensPerSecond: 0 }))).toBeNull();
    expect(secondsLeft(run('e', { tokensPerSecond: 3 }))).toBeNull();
  });

  it('is filtered by words of names, tags, data and notes, and by state', () => {
    const runs = [run('one', { tags: ['best'] }), run('two', { notes: 'the best' }), run('three', { state: 'failed' })];
    expect(matching(runs, 'BEST', '').map((r) => r.id)).toEqual(['one', 'two']);
    expect(matching(runs, 'best two', '').map((r) => r.id)).toEqual(['two']);
    expect(matching(runs, '', 'failed').map((r) => r.id)).toEqual(['three']);
    // One that was stopped early is not among those that have trained all of their steps.
    const ended = [run('whole'), run('early', { stoppedEarly: true })];
    expect(matching(ended, '', 'completed').map((r) => r.id)).toEqual(['whole']);
    expect(matching(ended, '', 'stoppedEarly').map((r) => r.id)).toEqual(['early']);
    expect(sorted([ended[1]!, ...ended], 'state', false).map((r) => r.id)).toEqual(['whole', 'early', 'early']);
  });
});

describe('runs that are picked', () => {
  const list = ['a', 'b', 'c', 'd'].map((id) => run(id));

  it('are single ones, and ranges from the last one on, which take the state of that which was clicked', () => {
    const one = withPicked(new Set(), list, { index: 1, from: undefined });
    expect([...one]).toEqual(['b']);
    const more = withPicked(one, list, { index: 3, from: 1 });
    expect([...more]).toEqual(['b', 'c', 'd']);
    expect([...withPicked(more, list, { index: 1, from: 2 })]).toEqual(['d']);
    expect([...withPicked(new Set(), list, { index: 0, from: 2 })]).toEqual(['a', 'b', 'c']);
  });

  it('are acted on where that is possible; the others are named by the reason', () => {
    const mixed = [
      run('a'),
      run('b', { state: 'training', doing: 'training.cosine' }),
      run('c', { archived: true }),
      run('d', { state: 'queued', doing: 'queued' }),
      run('e', { state: 'training', doing: 'stopping' }),
      run('f', { state: 'paused', doing: 'paused' }),
      run('g', { state: 'training', doing: 'pausing' }),
    ];
    const seen = (act: Parameters<typeof planOf>[0]) => {
      const { runs, leftOut } = planOf(act, mixed);
      return [ids(runs), ...leftOut.map(({ obstacle, runs: of }) => `${obstacle}:${ids(of)}`)];
    };
    expect(seen('archive')).toEqual(['adf', 'active:beg', 'archived:c']);
    expect(seen('unarchive')).toEqual(['c', 'notArchived:abdefg']);
    expect(seen('remove')).toEqual(['c', 'notArchived:abdefg']);
    expect(seen('pause')).toEqual(['bd', 'resting:acf', 'ending:e', 'pausing:g']);
    expect(seen('stop')).toEqual(['bdfg', 'ended:ac', 'ending:e']);
  });

  it('get tags as they are typed, each once', () => {
    expect(tagsOf(' a, b c ,,a')).toEqual(['a', 'b c']);
  });
});

describe('a small curve', () => {
  const size = { width: 13, height: 13 };

  it('reaches from corner to corner, and is broken where there is no number', () => {
    expect(sparkPath({ steps: [0, 10], values: [5, 1] }, size)).toBe('M1.5 1.5L11.5 11.5');
    expect(sparkPath({ steps: [0, 5, 10], values: [5, NaN, 1] }, size)).toBe('M1.5 1.5h0M11.5 11.5h0');
  });

  it('is a dot of one value, level where all are one, and nothing of none', () => {
    expect(sparkPath({ steps: [7], values: [5] }, size)).toBe('M6.5 6.5h0');
    expect(sparkPath({ steps: [0, 10], values: [5, 5] }, size)).toBe('M1.5 6.5L11.5 6.5');
    expect(sparkPath({ steps: [1], values: [NaN] }, size)).toBe('');
    expect(sparkPath({ steps: [], values: [] }, size)).toBe('');
  });
});

describe('default columns', () => {
  it('are those that a table has room for, in their order; all in a usual window', () => {
    const widthOf = (columns: readonly ColumnName[]) =>
      columns.reduce((sum, name) => sum + widths[name], checkWidth + nameWidth);
    expect(defaultColumnsIn(200)).toEqual(defaultColumns);
    expect(defaultColumnsIn(44)).toEqual(['state', 'progress', 'loss', 'valLoss', 'time']);
    expect(defaultColumnsIn(5)).toEqual([]);
    for (let room = 12; room < 80; room++) expect(widthOf(defaultColumnsIn(room))).toBeLessThanOrEqual(room);
  });
});
