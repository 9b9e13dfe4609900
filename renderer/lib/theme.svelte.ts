export type ThemeChoice = 'system' | 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Dark or light, as chosen or as the system is. */
class Theme {
  choice = $state<ThemeChoice>((localStorage.getItem('theme') as ThemeChoice | null) ?? 'system');
  /** What is shown. */
  shown = $state<'light' | 'dark'>('light');

  constructor() {
    dark.addEventListener('change', () => this.#apply());
    this.#apply();
  }

  choose(choice: ThemeChoice): void {
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
