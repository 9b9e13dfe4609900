import { z } from 'zod';
import type { StudioInfo } from '../types.ts';
import { answers, procedure } from './base.ts';

export const studio = {
  info: procedure.output(answers<StudioInfo>()),
  /** Looks at every device; takes a second or so. */
  devices: procedure.output(answers<StudioInfo['devices']>()),
  /** Files and folders, chosen in a dialog where there is one; null where the window has none, or nothing was chosen. */
  pickFiles: procedure.input(z.strictObject({ title: z.string().max(200) })).output(answers<string[] | null>()),
};
