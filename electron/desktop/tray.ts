import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import { messageOf } from '../base/errors.ts';
import { formatCount, formatDuration, plural } from '../base/format.ts';
import { logDefect } from '../base/log.ts';
import { packageFile } from '../base/paths.ts';
import type { TrainingRun } from '../process/messages.ts';

/** In points; panels of Linux are larger. */
const iconSize = process.platform === 'linux' ? 24 : 16;
/** Windows shows no more of a tooltip. */
const maxTooltip = 127;
/** A menu with more runs is no menu. */
const maxRuns = 8;

export interface TrayActions {
  show(): void;
  /** Brings up the page of a run. */
  showRun(id: string): void;
  pause(): void;
  resume(): void;
  quit(): void;
}

/** Whole minutes: a menu that changes every second can't be read. */
const timeLeft = (seconds: number): string =>
  seconds < 60 ? '< 1m' : seconds < 3600 ? `${Math.round(seconds / 60)}m` : formatDuration(seconds);

/** What trains, in a line: `calm-otter: 42 %, 3h 05m left`. */
export function progressLine({ name, step, stepsTotal, secondsLeft }: TrainingRun): string {
  const percent = stepsTotal > 0 ? `${Math.floor((100 * step) / stepsTotal)} %` : `step ${formatCount(step)}`;
  return `${name}: ${percent}${secondsLeft === null ? '' : `, ${timeLeft(secondsLeft)} left`}`;
}

/** The icon in the system's tray, which tells of training, also while no window is shown. */
export class AppTray {
  readonly #tray: Tray | undefined;
  readonly #actions: TrayActions;
  #shown = '';

  /** @param home whose log is told where the system has no tray: all else works without */
  constructor(home: string, actions: TrayActions) {
    this.#actions = actions;
    try {
      this.#tray = new Tray(icon());
      // On macOS a click opens the menu.
      if (process.platform !== 'darwin') this.#tray.on('click', () => actions.show());
    } catch (error) {
      logDefect(home, 'tray', new Error(`No icon in the system's tray: ${messageOf(error)}`));
    }
    this.set([], false);
  }

  /** @param canResume something was paused all at once */
  set(runs: readonly TrainingRun[], canResume: boolean): void {
    const lines = runs.map(progressLine);
    const now = JSON.stringify([lines, canResume]);
    // A menu that is set anew closes.
    if (!this.#tray || now === this.#shown) return;
    this.#shown = now;
    this.#tray.setToolTip(tooltip(lines));
    this.#tray.setContextMenu(Menu.buildFromTemplate(this.#items(runs, lines, canResume)));
  }

  #items(runs: readonly TrainingRun[], lines: readonly string[], canResume: boolean): MenuItemConstructorOptions[] {
    const { show, showRun, pause, resume, quit } = this.#actions;
    const more = runs.length - maxRuns;
    return [
      ...(runs.length === 0 ? [{ label: 'Nothing is training', enabled: false }] : []),
      // An ampersand would underline the letter behind it.
      ...runs
        .slice(0, maxRuns)
        .map(({ id }, i) => ({ label: lines[i]!.replaceAll('&', '&&'), click: () => showRun(id) })),
      ...(more > 0 ? [{ label: `and ${plural(more, 'more run')}`, enabled: false }] : []),
      { type: 'separator' },
      ...(runs.length > 0 ? [{ label: runs.length === 1 ? 'Pause' : 'Pause All', click: pause }] : []),
      ...(canResume ? [{ label: 'Resume', click: resume }] : []),
      { label: 'Show Window', click: show },
      { type: 'separator' },
      { label: 'Quit Trainyard', click: quit },
    ];
  }
}

function tooltip(lines: readonly string[]): string {
  const text = lines.length === 0 ? 'Trainyard' : lines.join('\n');
  return text.length > maxTooltip ? `${text.slice(0, maxTooltip - 1)}…` : text;
}

/** The application's icon at the tray's size, for displays of one and of two pixels a point. */
function icon(): Electron.NativeImage {
  const whole = nativeImage.createFromPath(packageFile('resources/icon.png'));
  const image = nativeImage.createEmpty();
  for (const scaleFactor of [1, 2]) {
    const size = iconSize * scaleFactor;
    const buffer = whole.resize({ width: size, height: size, quality: 'best' }).toPNG();
    image.addRepresentation({ scaleFactor, width: size, height: size, buffer });
  }
  return image;
}
