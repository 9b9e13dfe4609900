import type { Setting } from '../../electron/api/types.ts';
import { api } from './api.ts';
import { Load } from './load.svelte.ts';
import { hasField } from './settingValues.ts';

/** Every setting that a run can be given, and what is said of it. They stay as they are. */
export const settings = new Load(() => api.drafts.settings());

/** Those with such fields, or none while they are being fetched. */
export const fields = (): readonly Setting[] => (settings.value ?? []).filter(hasField);
