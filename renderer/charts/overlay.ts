import type { Chart, Plugin } from 'chart.js';

/** A stretch of x in the background, such as a phase. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly odd: boolean;
}

/** Something that happened at an x. */
export interface Marker {
  readonly x: number;
  readonly kind: 'switch' | 'skip' | 'checkpoint' | 'recovery' | 'batch' | 'phases';
  readonly label: string;
}

/** A measure that was no number, drawn at the height of the last good one, or at the top where there is none. */
export interface Gap {
  readonly x: number;
  /** NaN: no value was good before. */
  readonly y: number;
  readonly colour: string;
}

/** The values between two lines. */
export interface Shade {
  readonly x: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly colour: string;
}

export interface Overlay {
  readonly shades: readonly Shade[];
  readonly bands: readonly Band[];
  readonly markers: readonly Marker[];
  readonly gaps: readonly Gap[];
  readonly colours: {
    readonly band: string;
    readonly text: string;
    readonly marker: Readonly<Record<Marker['kind'], string>>;
  };
}

/** Where an overlay is kept on a chart. */
export const overlays = new WeakMap<Chart, Overlay>();

/** Draws phase bands behind the lines, and markers and triangles for NaN above them. */
export const overlayPlugin: Plugin<'line'> = {
  id: 'overlay',
  beforeDatasetsDraw(chart) {
    const overlay = overlays.get(chart);
    if (!overlay) return;
    const { ctx, chartArea: area } = chart;
    const { x } = chart.scales;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.width, area.height);
    ctx.clip();
    ctx.font = '11px system-ui, sans-serif';
    for (const band of overlay.bands) {
      const [left, right] = [x!.getPixelForValue(band.from), x!.getPixelForValue(band.to)];
      if (right < area.left || left > area.right) continue;
      if (band.odd) {
        ctx.fillStyle = overlay.colours.band;
        ctx.fillRect(left, area.top, right - left, area.height);
      }
      const seen = Math.min(right, area.right) - Math.max(left, area.left);
      if (ctx.measureText(band.label).width + 8 > seen) continue;
      ctx.fillStyle = overlay.colours.text;
      ctx.fillText(band.label, Math.max(left, area.left) + 4, area.top + 12);
    }
    for (const shade of overlay.shades) drawShade(chart, shade);
    ctx.restore();
  },
  afterDatasetsDraw(chart) {
    const overlay = overlays.get(chart);
    if (!overlay) return;
    const { ctx, chartArea: area } = chart;
    const { x, y } = chart.scales;
    ctx.save();
    for (const { x: at, kind } of overlay.markers) {
      const px = x!.getPixelForValue(at);
      if (px < area.left || px > area.right) continue;
      ctx.strokeStyle = ctx.fillStyle = overlay.colours.marker[kind];
      if (kind === 'checkpoint' || kind === 'skip') {
        // Many: a tick on the axis each.
        ctx.fillRect(px - 1, kind === 'skip' ? area.top : area.bottom - 6, 2, 6);
        continue;
      }
      ctx.setLineDash([3, 3]);
      ctx.beginPath();
      ctx.moveTo(px, area.top);
      ctx.lineTo(px, area.bottom);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    for (const gap of overlay.gaps) {
      const px = x!.getPixelForValue(gap.x);
      if (px < area.left || px > area.right) continue;
      const height = Number.isNaN(gap.y) ? area.top : y!.getPixelForValue(gap.y);
      const py = Math.min(area.bottom - 6, Math.max(area.top + 8, height));
      ctx.fillStyle = gap.colour;
      ctx.beginPath();
      ctx.moveTo(px, py - 6);
      ctx.lineTo(px + 5, py + 4);
      ctx.lineTo(px - 5, py + 4);
      ctx.fill();
    }
    ctx.restore();
  },
};

function drawShade({ ctx, scales: { x, y } }: Chart, { x: xs, low, high, colour }: Shade): void {
  if (xs.length < 2) return;
  ctx.fillStyle = colour;
  ctx.beginPath();
  xs.forEach((at, i) => ctx.lineTo(x!.getPixelForValue(at), y!.getPixelForValue(high[i]!)));
  for (let i = xs.length - 1; i >= 0; i--) ctx.lineTo(x!.getPixelForValue(xs[i]!), y!.getPixelForValue(low[i]!));
  ctx.fill();
}
