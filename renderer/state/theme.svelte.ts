import { type ThemeChoice, themes } from '../../electron/api/commands.ts';
import { api } from './api.ts';
import { offer } from './commands.svelte.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Dark or light, as chosen or as the system is. Kept by the browser, for the first paint, and by the studio, for its window. */
class Theme {
  choice = $state<ThemeChoice>(themes.find((t) => t === localStorage.getItem('theme')) ?? 'system');
  /** What is shown. */
  shown = $state<'light' | 'dark'>('light');

  constructor() {
    dark.addEventListener('change', () => this.#apply());
    this.#apply();
    for (const choice of themes) offer(`theme.${choice}`, () => this.choose(choice));
    // What another window on this studio chose counts here, too.
    const look = () =>
      api.studio.settings().then(
        ({ theme }) => theme === this.choice || this.#take(theme),
        () => {}, // as the browser remembers it
      );
    void look();
    addEventListener('focus', () => void look());
  }

  choose(choice: ThemeChoice): void {
    this.#take(choice);
    api.studio.changeSettings({ theme: choice }).catch(() => {}); // shown all the same
  }

  #take(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem('theme', choice);
    this.#apply();
  }

  #apply(): void {
    this.shown = this.choice === 'dark' || (this.choice === 'system' && dark.matches) ? 'dark' : 'light';
    document.documentElement.dataset.theme = this.shown;
  }
}

export const theme = new Theme();
