import type { EventView } from '../../electron/api/types.ts';
import type { Line } from './pipeline/index.ts';

export type MarkerKind =
  | 'best'
  | 'checkpoint'
  | 'skip'
  | 'recovery'
  | 'optimizer'
  | 'batch'
  | 'phases'
  | 'phase'
  | 'start'
  | 'resume'
  | 'pause'
  | 'end'
  | 'fail'
  | 'interrupt'
  | 'warning';

/** Something that happened at an x. */
export interface Marker {
  readonly x: number;
  readonly kind: MarkerKind;
  /** What it is, for people. */
  readonly label: string;
}

/** What changes how a run trains: a line over the whole height of every chart. */
export const lineKinds: ReadonlySet<MarkerKind> = new Set([
  'optimizer',
  'batch',
  'phases',
  'recovery',
  'resume',
  'pause',
  'fail',
  'interrupt',
]);

const kinds: Readonly<Record<string, MarkerKind>> = {
  skip: 'skip',
  recovery: 'recovery',
  optimizer: 'optimizer',
  batch: 'batch',
  phases: 'phases',
  phase: 'phase',
  paused: 'pause',
  stopped: 'pause',
  completed: 'end',
  failed: 'fail',
  interrupted: 'interrupt',
  lostMoments: 'warning',
  weightJump: 'warning',
  otherBits: 'warning',
  lowBitStates: 'warning',
  phasesRefused: 'warning',
  dropped: 'warning',
};

/** The last step at or before a time; undefined where none was trained by then. */
function stepAt(times: Line, time: number): number | undefined {
  const at = times.y.findLastIndex((t) => t <= time);
  return at < 0 ? undefined : times.x[at];
}

/**
 * What happened to a run, over steps: of those of its events that say something about its curves.
 * @param times steps and when they were trained, milliseconds since 1970: places what is known by its time alone
 */
export function markersOf(
  events: readonly Pick<EventView, 'kind' | 'step' | 'time' | 'message'>[],
  times: Line,
): Marker[] {
  return events.flatMap(({ kind, step, time, message }): Marker[] => {
    const known: MarkerKind | undefined =
      kind === 'started' ? (step === null || step === 0 ? 'start' : 'resume') : kinds[kind];
    const x = step ?? stepAt(times, time);
    return known === undefined || x === undefined ? [] : [{ x, kind: known, label: message }];
  });
}

/** Markers that lie so near to each other that they are one to the eye. */
export interface Cluster {
  /** Pixels. */
  readonly at: number;
  readonly markers: readonly Marker[];
}

/** Markers in clusters, from left to right. @param width what one of them takes, pixels */
export function clustersOf(
  markers: readonly Marker[],
  pixelOf: (x: number) => number,
  range: { readonly left: number; readonly right: number },
  width: number,
): Cluster[] {
  const placed = markers
    .map((marker) => ({ at: pixelOf(marker.x), marker }))
    .filter(({ at }) => at >= range.left && at <= range.right)
    .sort((a, b) => a.at - b.at);
  const clusters: { at: number; markers: Marker[] }[] = [];
  for (const { at, marker } of placed) {
    const last = clusters.at(-1);
    if (last && at - last.at < width) last.markers.push(marker);
    else clusters.push({ at, markers: [marker] });
  }
  return clusters;
}
