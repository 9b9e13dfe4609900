export interface Series {
  readonly mark: string;
  readonly label: string;
  /** [x, y] in the order of x; points whose y is not finite are left out. */
  readonly points: readonly (readonly [number, number])[];
}

/** A line chart of text: y axis on the left, x axis below, one mark a series. */
export function chart(series: readonly Series[], width = 72, height = 14, xLabel = 'step'): string {
  const all = series.flatMap((s) => s.points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return '(nothing to draw yet)';
  const [xLow, xHigh] = range(all.map(([x]) => x));
  const [yLow, yHigh] = range(all.map(([, y]) => y));
  const grid = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const { mark, points } of series) {
    for (const [column, y] of columns(points, xLow, xHigh, width)) {
      const row = Math.round(((yHigh - y) / (yHigh - yLow)) * (height - 1));
      grid[row]![column] = mark;
    }
  }
  const lines = grid.map((cells, row) => {
    const y = yHigh - (row / (height - 1)) * (yHigh - yLow);
    const label = row % 3 === 0 || row === height - 1 ? y.toFixed(2) : '';
    return `${label.padStart(8)} ┤${cells.join('').trimEnd()}`;
  });
  const right = String(xHigh);
  const axis = `${' '.repeat(8)} └${'─'.repeat(width)}`;
  const foot = `${' '.repeat(10)}${String(xLow).padEnd(width - right.length - xLabel.length - 1)}${xLabel} ${right}`;
  const legend = `${' '.repeat(10)}${series.map((s) => `${s.mark} ${s.label}`).join('   ')}`;
  return [...lines, axis, foot, legend].join('\n');
}

/** The mean of the points that fall into each column. */
function columns(points: Series['points'], low: number, high: number, width: number): Map<number, number> {
  const sums = new Map<number, { total: number; count: number }>();
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) continue;
    const column = Math.round(((x - low) / (high - low)) * (width - 1));
    const cell = sums.get(column) ?? { total: 0, count: 0 };
    cell.total += y;
    cell.count++;
    sums.set(column, cell);
  }
  return new Map([...sums].map(([column, { total, count }]) => [column, total / count]));
}

function range(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return low === high ? [low, low + 1] : [low, high];
}
