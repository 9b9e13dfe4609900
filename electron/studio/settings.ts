import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { hoursSchema } from './jobs/hours.ts';
import { isSystemError, meaningOf } from '../base/systemErrors.ts';

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']),
  /** Tell when a run ends or fails and the window is not looked at. */
  notifications: z.boolean(),
  /** Kept for the playground. */
  prompts: z.array(z.string().max(100_000)).max(200),
  /** When queued runs train. */
  queue: z.strictObject({ paused: z.boolean(), hours: hoursSchema.nullable() }),
});

/** What a user prefers, for all windows and starts on one home. */
export type Settings = z.infer<typeof settingsSchema>;

const defaults: Settings = { theme: 'system', notifications: true, prompts: [], queue: { paused: false, hours: null } };

const fileOf = (home: string): string => path.join(home, 'settings.json');

/** The home's settings. One that is missing or wrong has its usual value: no preference keeps a studio shut. */
export function readSettings(home: string): Settings {
  let given: Partial<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(fs.readFileSync(fileOf(home), 'utf8'));
    if (typeof parsed === 'object' && parsed !== null) given = parsed as Record<string, unknown>;
  } catch {
    // none yet, or a file that was cut off
  }
  const valid = Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
    const result = schema.safeParse(given[name]);
    return result.success ? [[name, result.data]] : [];
  });
  return { ...defaults, ...(Object.fromEntries(valid) as Partial<Settings>) };
}

/** Changes some settings, whole or not at all. @throws UserError when they can't be kept */
export function writeSettings(home: string, changed: Partial<Settings>): Settings {
  const settings = { ...readSettings(home), ...changed };
  const file = fileOf(home);
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    fs.writeFileSync(partial, `${JSON.stringify(settings, null, 2)}\n`);
    fs.renameSync(partial, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    fs.rmSync(partial, { force: true });
    throw new UserError(`The settings can't be kept in ${file}: ${meaningOf(error)}.`);
  }
  return settings;
}
