import type { Place } from '../../electron/api/places.ts';
import { openedText } from '../text.ts';
import { api } from './api.ts';
import { router } from './router.svelte.ts';
import { subscribe } from './subscribe.ts';
import { toasts } from './toasts.svelte.ts';

/** Files that the application was opened with, until a form has taken them. */
class Opened {
  /** Of text. */
  paths = $state.raw<readonly string[]>([]);
  /** A model's folder. */
  model = $state<string>();

  takePaths(): readonly string[] {
    const { paths } = this;
    this.paths = [];
    return paths;
  }

  takeModel(): string | undefined {
    const { model } = this;
    this.model = undefined;
    return model;
  }
}

export const opened = new Opened();

/** Goes where a link or a file leads. Nothing else is done: forms are filled in, and whoever looks at them decides. */
async function goTo(place: Place): Promise<void> {
  if (place.kind === 'run') {
    const { id } = place;
    // Whole ids alone: a link means one run, whatever other runs are called.
    const { run } = await api.runs.get({ id });
    if (run.id === id) router.go('run', id);
    else toasts.say(openedText.noRun(id), 'error');
  } else if (place.kind === 'data') {
    opened.paths = [...opened.paths, ...place.paths];
    router.go('data');
  } else if (place.kind === 'import') {
    opened.model = place.dir;
    router.go('runs');
  } else toasts.say(openedText.refused[place.what](place.text), 'error');
}

/** Goes where the application is told to. To be called in an effect. @returns stops */
export const listenForPlaces = (): (() => void) =>
  subscribe(
    (signal) => api.studio.places(undefined, { signal }),
    (place) => void toasts.attempt(() => goTo(place)),
    () => {},
  );
