import type { RunConfig, RunView } from '../../../electron/api/types.ts';
import { router } from '../../state/router.svelte.ts';
import { runList } from '../../state/runList.svelte.ts';
import { settings } from '../../state/settings.svelte.ts';
import { toasts } from '../../state/toasts.svelte.ts';
import { type Begin, draft } from '../new/draft.svelte.ts';

const maxName = 200;

/** In place of a dataset's name in a model that was imported, and not trained here. */
export const importedData = 'none: imported';

/** The checkpoint that a config starts with, by its run's name. */
function ownBegin({ init }: RunConfig): Begin | null {
  if (!init) return null;
  const parent = runList.all?.find(({ id }) => id === init.run);
  return { id: init.run, step: init.step, name: parent?.name ?? init.run };
}

interface Options {
  /** Behind the run's name. */
  readonly suffix: string;
  /** What was changed, for people. */
  readonly said: string;
  /** The checkpoint whose weights it starts with. Default: what the config says. */
  readonly from?: Begin;
  /** Whether its preset is that of the run. */
  readonly keepsPreset?: boolean;
}

/** Opens New run with a config that was made of a run's, and says what was changed. */
export async function openNew(
  run: Pick<RunView, 'name' | 'preset'>,
  config: RunConfig,
  { suffix, said, from, keepsPreset = true }: Options,
): Promise<void> {
  // A draft knows its fields by them.
  if (!settings.value) await settings.now();
  if (!settings.value) return toasts.say(settings.error ?? '', 'error');
  const name = `${run.name.slice(0, maxName - suffix.length - 1)} ${suffix}`;
  draft.copy(config, { name, preset: keepsPreset ? run.preset : null, from: from ?? ownBegin(config) });
  router.go('new');
  toasts.say(said);
}
