/** Everything that can be done from anywhere: by its name in the palette, by keys in the window, from the native menu. */
export interface CommandInfo {
  readonly id: CommandId;
  readonly title: string;
  /** As `g r`: keys pressed one after another while nothing is being typed. */
  readonly keys?: string;
  /** Of the native menu, as Electron writes it. */
  readonly accelerator?: string;
  /** The native menu that it is found in; absent: none. */
  readonly menu?: 'file' | 'view' | 'run';
}

const pages = {
  runs: 'Runs',
  new: 'New run',
  memory: 'Memory',
  evals: 'Evals',
  samples: 'Samples',
  data: 'Data',
  jobs: 'Jobs',
  settings: 'Settings',
} as const;

export type PageName = keyof typeof pages;
/** Of the window's pages. */
export const pageTitles: Readonly<Record<PageName, string>> = pages;
export const pageNames = Object.keys(pages) as PageName[];

export const runActions = ['pause', 'resume', 'stop', 'checkpoint', 'evaluate', 'sample'] as const;
export type RunAction = (typeof runActions)[number];

export const themes = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themes)[number];

export type CommandId = `page.${PageName}` | `run.${RunAction}` | `theme.${ThemeChoice}` | 'charts.reset';

const page = (name: PageName, keys: string, accelerator: string, menu: 'file' | 'view'): CommandInfo => ({
  id: `page.${name}`,
  title: pages[name],
  keys,
  accelerator,
  menu,
});
const run = (action: RunAction, title: string, keys: string, accelerator?: string): CommandInfo => ({
  id: `run.${action}`,
  title,
  keys,
  menu: 'run',
  ...(accelerator ? { accelerator } : {}),
});

/** The one list of them. What can be done at the moment, the window knows. */
export const commands: readonly CommandInfo[] = [
  page('runs', 'g r', 'CmdOrCtrl+1', 'view'),
  page('new', 'g n', 'CmdOrCtrl+N', 'file'),
  page('memory', 'g m', 'CmdOrCtrl+2', 'view'),
  page('evals', 'g e', 'CmdOrCtrl+3', 'view'),
  page('samples', 'g s', 'CmdOrCtrl+4', 'view'),
  page('data', 'g d', 'CmdOrCtrl+5', 'view'),
  page('jobs', 'g j', 'CmdOrCtrl+6', 'view'),
  page('settings', 'g ,', 'CmdOrCtrl+,', 'file'),
  run('pause', 'Pause', 'p', 'CmdOrCtrl+Shift+P'),
  run('resume', 'Resume', 'r', 'CmdOrCtrl+Shift+R'),
  run('stop', 'Stop', 'x'),
  run('checkpoint', 'Save checkpoint', 'c'),
  run('evaluate', 'Run validation', 'e'),
  run('sample', 'Generate samples', 's'),
  { id: 'charts.reset', title: 'Reset zoom', keys: 'z' },
  { id: 'theme.system', title: 'Use system theme' },
  { id: 'theme.light', title: 'Use light theme' },
  { id: 'theme.dark', title: 'Use dark theme' },
];

export const commandIds = commands.map((c) => c.id) as [CommandId, ...CommandId[]];

export const commandTitles = Object.fromEntries(commands.map((c) => [c.id, c.title])) as Readonly<
  Record<CommandId, string>
>;
