import type { RunView } from '../../electron/api/types.ts';
import { api, messageOf } from './api.ts';
import { updated } from './listUpdate.ts';
import { notifier } from './notifier.svelte.ts';
import { subscribe } from './subscribe.ts';

/** The runs that are not archived, kept up to date for the whole window. */
class RunList {
  all = $state.raw<readonly RunView[]>();
  error = $state<string>();

  constructor() {
    subscribe(
      (signal) => api.runs.watchList({ archived: false }, { signal }),
      (update) => {
        this.all = updated(this.all ?? [], update);
        notifier.look(this.all);
        this.error = undefined;
      },
      (error) => (this.error = messageOf(error)),
    );
  }
}

export const runList = new RunList();
