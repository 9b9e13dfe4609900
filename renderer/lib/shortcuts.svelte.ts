import { router } from './router.svelte.ts';
import { text } from '../text.ts';

/** Something that can be done from anywhere: by its name in the palette, and by a key. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** As `g r`: keys pressed one after another, while nothing is being typed. */
  readonly keys?: string;
  readonly run: () => void;
}

const page = (id: string, title: string, keys: string): Command => ({ id, title, keys, run: () => router.go(id) });

export const commands: readonly Command[] = [
  page('runs', text.nav.runs, 'g r'),
  page('new', text.nav.new, 'g n'),
  page('memory', text.nav.memory, 'g m'),
  page('evals', text.nav.evals, 'g e'),
  page('samples', text.nav.samples, 'g s'),
  page('data', text.nav.data, 'g d'),
  page('settings', text.nav.settings, 'g ,'),
];

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;

/** Listens for the commands' keys. @returns stops */
export function listenForKeys(): () => void {
  let before = '';
  let at = 0;
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.timeStamp - at > 1200) before = '';
    at = event.timeStamp;
    const pressed = before === '' ? event.key : `${before} ${event.key}`;
    const command = commands.find((c) => c.keys === pressed);
    before = command ? '' : event.key;
    command?.run();
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
