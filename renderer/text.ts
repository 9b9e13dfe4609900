import { shownState } from '../electron/base/states.ts';
import { plural } from './format.ts';
import { pageTitles } from '../electron/api/commands.ts';

/** What several pages say. */
export const common = {
  app: 'Trainyard',
  loading: 'Loading…',
  retry: 'Try again',
  cancel: 'Cancel',
  dismiss: 'Dismiss',
  delete: 'Delete',
  save: 'Save',
  remove: 'Remove',
  choose: 'Choose',
  left: (time: string) => `${time} left`,
  best: 'best',
  problemCount: (n: number) => plural(n, 'problem'),
  steps: 'steps',
  tokens: 'tokens',
  folder: 'Folder on the server',
  showLog: 'Show log',
} as const;

export const navigation = {
  label: 'Pages',
  ...pageTitles,
  skip: 'Skip to content',
} as const;

export const connectionText = {
  connecting: 'Connecting…',
  lost: 'Connection lost. Reconnecting…',
  refused: 'Trainyard was restarted. Sign in again with the new link.',
} as const;

/** What is shown of a state of a run, by the name it is stored under, or of what a run is doing. */
export const states = {
  queued: 'queued',
  preparing: 'preparing',
  training: 'training',
  evaluating: 'evaluating',
  sampling: 'sampling',
  checkpointing: 'saving',
  switchingOptimizer: 'switching optimizer',
  recovering: 'recovering',
  waiting: 'waiting for data',
  pausing: 'pausing',
  stopping: 'stopping',
  paused: 'paused',
  stopped: 'stopped',
  completed: 'completed',
  failed: 'failed',
  interrupted: shownState('interrupted'),
} as Readonly<Record<string, string>>;

/** Kinds of phases, by their names in a config. */
export const phaseKinds = {
  warmup: 'warmup',
  cosine: 'cosine decay',
  constant: 'constant',
} as Readonly<Record<string, string>>;
