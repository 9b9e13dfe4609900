export interface Series {
  readonly mark: string;
  readonly label: string;
  /** [x, y] in the order of x; points whose y is not finite are left out. */
  readonly points: readonly (readonly [number, number])[];
}

/** Rows from one label to the next. */
const labelEvery = 3;

/** A chart of text: y axis on the left, x axis below, a mark for each point of a series. */
export function chart(series: readonly Series[], width = 72, height = 14, xLabel = 'step'): string {
  const all = series.flatMap((s) => s.points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return '(no data yet)';
  const [xLow, xHigh] = ends(all.map(([x]) => x));
  const [yLow, yHigh] = range(
    all.map(([, y]) => y),
    height - 1,
  );
  const grid = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const { mark, points } of series) {
    for (const [x, y] of points) {
      if (!Number.isFinite(y)) continue;
      // One x stands in the middle.
      const column = xLow === xHigh ? width >> 1 : Math.round(((x - xLow) / (xHigh - xLow)) * (width - 1));
      const row = Math.round(((yHigh - y) / (yHigh - yLow)) * (height - 1));
      grid[row]![column] = mark;
    }
  }
  const valueOf = (row: number) => yHigh - (row / (height - 1)) * (yHigh - yLow);
  const labelled = grid.flatMap((_, row) => (row % labelEvery === 0 || row === height - 1 ? [row] : []));
  const labels = new Map(distinct(labelled.map(valueOf)).map((label, i) => [labelled[i]!, label]));
  const room = [...labels.values()].reduce((max, label) => Math.max(max, label.length), 8);
  const lines = grid.map((cells, row) => `${(labels.get(row) ?? '').padStart(room)} ┤${cells.join('').trimEnd()}`);
  const left = ' '.repeat(room);
  const [first, last] = [String(xLow), String(xHigh)];
  const foot =
    xLow === xHigh
      ? `${' '.repeat(Math.max(0, (width >> 1) - xLabel.length - 1))}${xLabel} ${first}`
      : `${first.padEnd(width - last.length - xLabel.length - 1)}${xLabel} ${last}`;
  const legend = series.map((s) => `${s.mark} ${s.label}`).join('   ');
  return [...lines, `${left} └${'─'.repeat(width)}`, `${left}  ${foot}`, `${left}  ${legend}`].join('\n');
}

/** Labels with as many decimals as tell them apart; powers of ten where those are more, or the numbers longer, than people read. */
function distinct(values: readonly number[]): string[] {
  const size = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  for (let decimals = 2; decimals <= 12 && size < 1e9; decimals++) {
    const labels = values.map((v) => v.toFixed(decimals));
    if (new Set(labels).size === labels.length) return labels;
  }
  return values.map((v) => v.toExponential(3));
}

function ends(values: readonly number[]): [number, number] {
  return [
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  ];
}

/**
 * The ends of some values, apart: what differs in digits that float32 does not have is a constant, and looks like one, on a
 * row that has a label.
 */
function range(values: readonly number[], rows: number): [number, number] {
  const [low, high] = ends(values);
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > 1e-6 * size) return [low, high];
  const middle = labelEvery * Math.max(1, Math.round(rows / 2 / labelEvery));
  const step = (0.05 * (size || 1)) / middle;
  return [low - step * (rows - middle), low + step * middle];
}
