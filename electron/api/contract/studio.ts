import { eventIterator } from '@orpc/contract';
import { z } from 'zod';
import { settingsSchema } from '../../studio/settings.ts';
import { type CommandId, commandIds } from '../commands.ts';
import type { Place } from '../places.ts';
import type { DeviceKindView, LogView, OptimizerView, Settings, StudioInfo, TrainingDevice } from '../types.ts';
import { answers, nothing, procedure } from './base.ts';

export const studio = {
  info: procedure.output(answers<StudioInfo>()),
  /** The kinds of devices that there are, whether this machine has one or not. */
  deviceKinds: procedure.output(answers<DeviceKindView[]>()),
  /** Looks at every device; takes seconds once on a machine. */
  devices: procedure.output(answers<StudioInfo['devices']>()),
  /** What a run may be told to train on, the usual first. Told at once. */
  trainingDevices: procedure.output(answers<TrainingDevice[]>()),
  /** What a run may be trained with, the default first. */
  optimizers: procedure.output(answers<OptimizerView[]>()),
  /** Of each GPU that is there and can't train, why. */
  unusableGpus: procedure.output(answers<string[]>()),
  /** Files and folders, chosen in a dialog where there is one; null where the window has none, or nothing was chosen. */
  pickFiles: procedure.input(z.strictObject({ title: z.string().max(200) })).output(answers<string[] | null>()),
  pickFolder: procedure.input(z.strictObject({ title: z.string().max(200) })).output(answers<string | null>()),
  /** The end of the log of defects: of this home's file, and of no other. */
  log: procedure.output(answers<LogView>()),
  /** Opens that file where the window is the system's own. */
  openLog: procedure.output(nothing),
  /** Opens the data folder, or that of the log, where the window is the system's own. */
  openFolder: procedure.input(z.strictObject({ which: z.enum(['data', 'log']) })).output(nothing),
  settings: procedure.output(answers<Settings>()),
  changeSettings: procedure.input(settingsSchema.partial()).output(answers<Settings>()),
  /** Keeps a prompt for the playground, or no longer: by itself, since other windows change the set as well. */
  keepPrompt: procedure
    .input(z.strictObject({ prompt: z.string().min(1).max(100_000), kept: z.boolean() }))
    .output(answers<Settings>()),
  /** Tells the native menu, where there is one, what can be done at the moment. */
  offerCommands: procedure.input(z.strictObject({ ids: z.array(z.enum(commandIds)).max(1000) })).output(nothing),
  /** What is chosen in the native menu. */
  chosenCommands: procedure.output(eventIterator(answers<CommandId>())),
  /** Where links and files that the application is opened with lead. */
  places: procedure.output(eventIterator(answers<Place>())),
};
