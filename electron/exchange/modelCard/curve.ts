/** One line of a picture: x rising. */
export interface CurveLine {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const [width, height] = [720, 360];
const margin = { left: 62, right: 16, top: 34, bottom: 48 };
const colors = ['#0b5cad', '#b4500a', '#11714a', '#7b3fa0'];

/** Round steps between two values: 1, 2 or 5 times a power of ten, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((f) => f * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const out: number[] = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

function short(x: number, digits: number): string {
  for (const [size, unit] of [
    [1e9, ' B'],
    [1e6, ' M'],
    [1e3, ' k'],
  ] as const)
    if (Math.abs(x) >= size) return `${+(x / size).toPrecision(digits)}${unit}`;
  return String(+x.toPrecision(digits));
}

/** Labels in as many digits as tell them apart. */
function labelsOf(values: readonly number[]): string[] {
  for (let digits = 4; ; digits++) {
    const labels = values.map((v) => short(v, digits));
    if (digits === 15 || new Set(labels).size === labels.length) return labels;
  }
}

type Point = CurveLine['points'][number];

/** The stretches of points that are numbers: what lies between two of them was not measured, and is not joined. */
function parts(points: readonly Point[]): Point[][] {
  const out: Point[][] = [[]];
  for (const point of points) {
    if (Number.isFinite(point.y)) out[out.length - 1]!.push(point);
    else out.push([]);
  }
  return out.filter((part) => part.length > 0);
}

/** Lines over a common x as an SVG file: axes with names and round numbers, a legend. Points that are no numbers leave a gap. */
export function curveSvg(title: string, xName: string, yName: string, given: readonly CurveLine[]): string {
  const lines = given.map(({ name, points }) => ({ name, parts: parts(points) }));
  const all = lines.flatMap((l) => l.parts.flat());
  const span = (values: number[]): [number, number] => {
    const [low, high] = [
      values.reduce((a, b) => Math.min(a, b), Infinity),
      values.reduce((a, b) => Math.max(a, b), -Infinity),
    ];
    // What differs in digits that float32 does not have is a constant, and looks like one.
    if (high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high))) return [low - 0.5, high + 0.5];
    return [low, high];
  };
  const [x0, x1] = all.length > 0 ? span(all.map((p) => p.x)) : [0, 1];
  const [lowest, highest] = all.length > 0 ? span(all.map((p) => p.y)) : [0, 1];
  const room = 0.05 * (highest - lowest);
  const [y0, y1] = [lowest - room, highest + room];
  const px = (x: number) => (margin.left + ((x - x0) / (x1 - x0)) * (width - margin.left - margin.right)).toFixed(1);
  const py = (y: number) =>
    (height - margin.bottom - ((y - y0) / (y1 - y0)) * (height - margin.top - margin.bottom)).toFixed(1);
  const [xTicks, yTicks] = [ticks(x0, x1, 6), ticks(y0, y1, 5)];
  const [xLabels, yLabels] = [labelsOf(xTicks), labelsOf(yTicks)];
  const grid = [
    ...xTicks.map(
      (x, i) =>
        `<line x1="${px(x)}" x2="${px(x)}" y1="${margin.top}" y2="${height - margin.bottom}"/><text x="${px(x)}" y="${height - margin.bottom + 18}" text-anchor="middle">${xLabels[i]}</text>`,
    ),
    ...yTicks.map(
      (y, i) =>
        `<line x1="${margin.left}" x2="${width - margin.right}" y1="${py(y)}" y2="${py(y)}"/><text x="${margin.left - 8}" y="${(Number(py(y)) + 4).toFixed(1)}" text-anchor="end">${yLabels[i]}</text>`,
    ),
  ];
  const plotted = lines.map(({ name, parts: own }, i) => {
    const color = colors[i % colors.length]!;
    const few = own.flat().length <= 60;
    const strokes = own.map((part) => {
      const path = part.map((p) => `${px(p.x)},${py(p.y)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`;
    });
    // A point that nothing is joined to is a dot, however many others there are.
    const dots = own
      .flatMap((part) => (few || part.length === 1 ? part : []))
      .map((p) => `<circle cx="${px(p.x)}" cy="${py(p.y)}" r="2.5" fill="${color}"/>`);
    const at = width - margin.right - 150;
    const key = `<line x1="${at}" x2="${at + 18}" y1="${margin.top + 10 + 16 * i}" y2="${margin.top + 10 + 16 * i}" stroke="${color}" stroke-width="2"/><text x="${at + 24}" y="${margin.top + 14 + 16 * i}">${escape(name)}</text>`;
    return `${strokes.join('')}${dots.join('')}${lines.length > 1 ? key : ''}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#333">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${margin.left}" y="20" font-size="14" font-weight="600">${escape(title)}</text>
<g stroke="#ddd" stroke-width="1">${grid.map((g) => g.replace('<text', '<text stroke="none"')).join('\n')}</g>
${plotted.join('\n')}
<text x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">${escape(xName)}</text>
<text transform="translate(14 ${(margin.top + height - margin.bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(yName)}</text>
</svg>
`;
}
