import { SvelteMap } from 'svelte/reactivity';
import { type CommandId, type CommandInfo, commands, pageNames } from '../../electron/api/commands.ts';
import { api } from './api.ts';
import { connection } from './connection.svelte.ts';
import { router } from './router.svelte.ts';
import { subscribe } from './subscribe.ts';

/** What can be done at the moment, by its command. Whoever can do something offers it. */
const offers = new SvelteMap<CommandId, () => unknown>();

/** Offers to do what a command says, until the function returned is called. */
export function offer(id: CommandId, work: () => unknown): () => void {
  offers.set(id, work);
  return () => {
    if (offers.get(id) === work) offers.delete(id);
  };
}

for (const name of pageNames) offer(`page.${name}`, () => router.go(name));

class Commands {
  /** Those that can be given now. */
  readonly available = $derived(commands.filter(({ id }) => offers.has(id)));
  /** Commands with a single letter can be in the way of those who speak to their machine. */
  singleKeys = $state(localStorage.getItem('keys.single') !== '0');

  run(id: CommandId): void {
    void offers.get(id)?.();
  }

  allowSingleKeys(allowed: boolean): void {
    this.singleKeys = allowed;
    localStorage.setItem('keys.single', allowed ? '1' : '0');
  }
}

export const available = new Commands();

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], [role=dialog]') !== null;

const chordMs = 1200;

/** Listens for the commands' keys. @returns stops */
function listenForKeys(): () => void {
  let before = '';
  let at = 0;
  const find = (keys: string): CommandInfo | undefined => available.available.find((c) => c.keys === keys);
  const onKey = (event: KeyboardEvent) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    // A question is to be answered first, wherever the focus is.
    if (document.querySelector('[role=dialog]')) return;
    if (event.timeStamp - at > chordMs) before = '';
    at = event.timeStamp;
    const chord = before === '' ? undefined : find(`${before} ${event.key}`);
    const command = chord ?? (available.singleKeys ? find(event.key) : undefined);
    before = command ? '' : event.key;
    if (!command) return;
    event.preventDefault();
    available.run(command.id);
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}

/** Does what keys and the native menu say, and tells the menu what can be done. To be called in an effect. @returns stops */
export function listenForCommands(): () => void {
  const stopKeys = listenForKeys();
  const stopMenu = subscribe(
    (signal) => api.studio.chosenCommands(undefined, { signal }),
    (id) => available.run(id),
    () => {},
  );
  return () => {
    stopKeys();
    stopMenu();
  };
}

/** Tells the native menu, where there is one, what can be done at the moment. */
export function sendToMenu(): void {
  if (connection.state !== 'open') return;
  const ids = available.available.map((c) => c.id);
  api.studio.offerCommands({ ids }).catch(() => {}); // told again with the next change
}
