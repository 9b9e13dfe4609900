import type { Chart } from 'chart.js';
import { lineKinds, type Marker, type MarkerKind } from './markers.ts';
import type { Range } from './pipeline/index.ts';

/** A range of x in the background, such as a phase. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly odd: boolean;
}

export interface AnnotationColors {
  readonly band: string;
  readonly text: string;
  readonly marker: (kind: MarkerKind) => string;
}

interface BoxAnnotation {
  readonly type: 'box';
  readonly xMin: number;
  readonly xMax: number;
  readonly backgroundColor: string;
  readonly borderWidth: number;
  readonly drawTime: 'beforeDatasetsDraw';
  readonly label: {
    readonly display: (context: { readonly chart: Chart }) => boolean;
    readonly content: string;
    readonly color: string;
    readonly font: { readonly size: number; readonly family: string };
    readonly padding: number;
    readonly position: { readonly x: 'start'; readonly y: 'start' };
    readonly xAdjust: number;
    readonly yAdjust: number;
  };
}

interface LineAnnotation {
  readonly type: 'line';
  readonly scaleID: 'x';
  readonly value: number;
  readonly borderColor: string;
  readonly borderWidth: number;
  readonly borderDash: number[];
  readonly drawTime: 'afterDatasetsDraw';
}

/** What is drawn of the options of chartjs-plugin-annotation, whose own types Node's way of finding modules does not read. */
export type Annotation = BoxAnnotation | LineAnnotation;

/** The room of the labels of bands, above the picture: within it they would be drawn over, and over points. Pixels. */
export const labelHeight = 16;

const font = { size: 11, family: 'system-ui, sans-serif' };
const padding = 4;

/** Whether a label fits into its band as it is seen. */
function fits(chart: Chart, label: string, { min, max }: Range): boolean {
  const { x } = chart.scales;
  chart.ctx.save();
  chart.ctx.font = `${font.size}px ${font.family}`;
  const { width } = chart.ctx.measureText(label);
  chart.ctx.restore();
  return width + 2 * padding <= x!.getPixelForValue(max) - x!.getPixelForValue(min);
}

/** Bands behind the lines, with what they are above them, and a line for each marker that changes how a run trains. */
export function annotationsOf(
  bands: readonly Band[],
  markers: readonly Marker[],
  visible: Range,
  colors: AnnotationColors,
): Annotation[] {
  return [
    ...bands.flatMap(({ from, to, label, odd }): Annotation[] => {
      const [min, max] = [Math.max(from, visible.min), Math.min(to, visible.max)];
      if (min >= max) return [];
      return [
        {
          type: 'box',
          xMin: min,
          xMax: max,
          backgroundColor: odd ? colors.band : 'transparent',
          borderWidth: 0,
          drawTime: 'beforeDatasetsDraw',
          label: {
            display: ({ chart }) => fits(chart, label, { min, max }),
            content: label,
            color: colors.text,
            font,
            padding: 0,
            position: { x: 'start', y: 'start' },
            xAdjust: padding,
            yAdjust: -labelHeight,
          },
        },
      ];
    }),
    ...markers
      .filter(({ x, kind }) => lineKinds.has(kind) && x >= visible.min && x <= visible.max)
      .map(({ x, kind }): Annotation => ({
        type: 'line',
        scaleID: 'x',
        value: x,
        borderColor: colors.marker(kind),
        borderWidth: 1,
        borderDash: [3, 3],
        drawTime: 'afterDatasetsDraw',
      })),
  ];
}
