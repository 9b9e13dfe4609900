import type { CommandId } from '../api/commands.ts';
import type { Place } from '../api/places.ts';

/** Where the studio's pages and API are served to browsers. */
export interface ServeAt {
  readonly host: string;
  readonly port: number;
  /** The host may be reached from other machines. */
  readonly exposed: boolean;
  /** Lets browsers in: of a studio that is started again, so that its windows find it. A new one when absent. */
  readonly token?: string;
}

export interface Served {
  readonly link: string;
  readonly port: number;
  readonly token: string;
}

/** A run as the system is told of it: it trains, or has just come to rest. */
export interface TrainingRun {
  readonly id: string;
  readonly name: string;
  readonly step: number;
  readonly stepsTotal: number;
  /** At the pace of the last minutes; null where that is not known. */
  readonly secondsLeft: number | null;
}

export interface RestedRun {
  readonly name: string;
  readonly state: string;
  readonly message: string | null;
  /** Somebody asked for it. */
  readonly isAsked: boolean;
}

/** What is asked of the system's own windows, and answered. */
export type Question =
  { readonly what: 'pickFiles'; readonly title: string } | { readonly what: 'pickFolder'; readonly title: string };

/** What the process that started the studio's tells it. Some come with a port. */
export type ToStudio =
  /** The first: to browsers, or to windows of the desktop application, which come with `window`. */
  | { readonly type: 'open'; readonly home: string; readonly at?: ServeAt }
  /** Save what trains, and end. */
  | { readonly type: 'shutdown' }
  /** End now, and all that trains. */
  | { readonly type: 'kill' }
  /** With a port: over it a window speaks the API. */
  | { readonly type: 'window' }
  /** With a port: the engine that was asked for. */
  | { readonly type: 'engine'; readonly id: number }
  | { readonly type: 'engineExited'; readonly id: number; readonly code: number | null }
  /** What a dialog was left with. */
  | { readonly type: 'answer'; readonly id: number; readonly paths: readonly string[] | null }
  /** In the native menu. */
  | { readonly type: 'chosen'; readonly command: CommandId }
  /** A window is to go there. */
  | { readonly type: 'place'; readonly place: Place }
  /** Pause all that trains; resume what was paused so. */
  | { readonly type: 'pauseAll' }
  | { readonly type: 'resumeAll' };

/** What the studio's process tells the one that started it. */
export type FromStudio =
  | { readonly type: 'opened'; readonly served?: Served }
  /** It can't be opened, for a reason that the user can mend. */
  | { readonly type: 'refused'; readonly message: string; readonly isUsage: boolean }
  /** A line for the user: what was wrong with the database, and what came of it. */
  | { readonly type: 'report'; readonly line: string }
  /** Which runs train in it, and whether some can be resumed that were paused all at once. */
  | { readonly type: 'training'; readonly runs: readonly TrainingRun[]; readonly canResume: boolean }
  | { readonly type: 'rested'; readonly run: RestedRun }
  /** The answer to `shutdown`: how many runs are being saved. */
  | { readonly type: 'closing'; readonly training: number }
  /** Its last words, when all is saved. */
  | { readonly type: 'closed' }
  | { readonly type: 'spawnEngine'; readonly id: number }
  | { readonly type: 'killEngine'; readonly id: number }
  | ({ readonly type: 'ask'; readonly id: number } & Question)
  | { readonly type: 'showFile'; readonly file: string }
  | { readonly type: 'openFile'; readonly file: string }
  | { readonly type: 'settingsChanged' }
  /** What can be chosen in the native menu. */
  | { readonly type: 'offer'; readonly commands: readonly CommandId[] };
