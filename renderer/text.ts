import { listedState, shownState } from '../electron/base/states.ts';
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
  unanswered: 'The connection was lost before the studio answered. Check whether it was done, then try again.',
  refused: 'Trainyard was restarted. Sign in again with the new link.',
} as const;

/** Of what the application is opened with. */
export const openedText = {
  noRun: (id: string) => `No run has the ID ${id}. It may have been deleted, or the link is of another machine.`,
  refused: {
    link: (link: string) => `Trainyard can't open the link ${link}. Links to runs look like trainyard://run/ID.`,
    file: (file: string) => `${file} can't be opened. Check its name and whether you may read it.`,
  },
} as const;

/** What is shown of a state of a run, by the name that lists know it by (`listed`), or of what a run is doing. */
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
  stoppedEarly: listedState({ state: 'completed', stoppedEarly: true }),
  completed: 'completed',
  failed: 'failed',
  interrupted: shownState('interrupted'),
} as Readonly<Record<string, string>>;

/** Types of numbers, by their names in a config. */
export const dtypeNames = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' } as Readonly<Record<string, string>>;

/** How low-bit optimizer states are kept, by the name in a config. */
export const lowBitNames = { stable: 'stable', paper: 'as in the papers' } as const;

/** Tokenizers that come along, by name; one's own has the name that it was given. */
export const tokenizerName = (name: string): string => ({ gpt2: 'GPT-2', bytes: 'bytes' })[name] ?? name;

/** Kinds of phases, by their names in a config. */
export const phaseKinds = {
  warmup: 'warmup',
  cosine: 'cosine decay',
  constant: 'constant',
} as Readonly<Record<string, string>>;
