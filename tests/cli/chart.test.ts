import { describe, expect, it } from 'vitest';
import { chart } from '../../electron/cli/terminal/chart.ts';

const line = (points: readonly (readonly [number, number])[]) => [{ mark: '*', label: 'loss', points }];
const labelsOf = (text: string) =>
  text.split('\n').flatMap((l) => (l.includes('┤') && l.split('┤')[0]!.trim() ? [l.split('┤')[0]!.trim()] : []));
const marked = (text: string) => text.split('\n').filter((l) => l.split('┤')[1]?.includes('*'));

describe('a chart of text', () => {
  it('shows one point at its own step, and no step that was not trained', () => {
    const text = chart(line([[1, 5.5]]));
    expect(marked(text)).toHaveLength(1);
    expect(text.split('\n').at(-2)!.trim()).toBe('step 1');
  });

  it('draws a constant as one, whatever its last digits say, and tells its labels apart', () => {
    const text = chart(line(Array.from({ length: 50 }, (_, i) => [i, 3 + 1e-12 * (i % 3)] as const)));
    expect(marked(text)).toHaveLength(1);
    const labels = labelsOf(text);
    expect(new Set(labels).size).toBe(labels.length);
    expect(labels.length).toBeGreaterThan(3);
  });

  it('tells labels apart in a narrow range, and draws each point where it was measured', () => {
    const text = chart(line([[0, 3.0001], [10, 3.0004]])); // prettier-ignore
    const labels = labelsOf(text);
    expect(new Set(labels).size).toBe(labels.length);
    expect(marked(text)).toHaveLength(2);
    // Two of one column are not averaged into a third.
    expect(marked(chart(line([[0, 1], [0, 3], [100, 2]])))).toHaveLength(3); // prettier-ignore
  });

  it('tells labels apart of values that decimals cannot show', () => {
    for (const size of [1e-30, 1e30]) {
      const labels = labelsOf(chart(line([[0, size], [10, 3 * size]]))); // prettier-ignore
      expect(new Set(labels).size).toBe(labels.length);
      expect(labels.every((label) => Number(label) >= 0.9 * size && label.length <= 10)).toBe(true);
    }
  });

  it('leaves out what is not finite', () => {
    expect(chart(line([[1, Number.NaN]]))).toBe('(no data yet)');
    expect(marked(chart(line([[1, 2], [2, Infinity], [3, 1]])))).toHaveLength(2); // prettier-ignore
  });
});
