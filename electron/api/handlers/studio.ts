import fs from 'node:fs';
import os from 'node:os';
import { findDevices, isMeasured, kindViews, trainingDevices, unusableDevices } from '../../engine/devices/choose.ts';
import { describeOptimizer, optimizers } from '../../engine/optimizers/index.ts';
import { logFolder, logFile, readLogEnd } from '../../base/log.ts';
import { readSettings, writeSettings } from '../../studio/settings.ts';
import { version } from '../../base/version.ts';
import { api, subscription } from '../context.ts';

/** A browser has no native menu, and is opened with nothing. */
async function* none(): AsyncGenerator<never> {}

export const studio = {
  info: api.studio.info.handler(({ context }) => ({
    version,
    home: context.studio.home,
    desktop: context.desktop !== undefined,
    memoryBytes: os.totalmem(),
    devices: [],
  })),
  devices: api.studio.devices.handler(async ({ context: { studio } }) => {
    // Measuring takes the whole machine for seconds: not beside a run, and where windows are answered meanwhile.
    if (!isMeasured(studio.home) && !studio.training.isActive)
      await studio.planner.ask('measure', { findings: studio.home });
    return findDevices(studio.home);
  }),
  deviceKinds: api.studio.deviceKinds.handler(() => kindViews()),
  trainingDevices: api.studio.trainingDevices.handler(() => trainingDevices()),
  unusableGpus: api.studio.unusableGpus.handler(() => unusableDevices()),
  optimizers: api.studio.optimizers.handler(() =>
    optimizers.map(({ kind, label, lowBit }) => ({ kind, label, lowBit, about: describeOptimizer(kind) })),
  ),
  pickFiles: api.studio.pickFiles.handler(({ input, context }) => context.desktop?.pickFiles(input.title) ?? null),
  pickFolder: api.studio.pickFolder.handler(({ input, context }) => context.desktop?.pickFolder(input.title) ?? null),
  settings: api.studio.settings.handler(({ context: { studio } }) => readSettings(studio.home)),
  changeSettings: api.studio.changeSettings.handler(({ input, context: { studio, desktop } }) => {
    const given = Object.entries(input).filter(([, value]) => value !== undefined);
    const settings = writeSettings(studio.home, Object.fromEntries(given));
    desktop?.settingsChanged();
    return settings;
  }),
  keepPrompt: api.studio.keepPrompt.handler(({ input: { prompt, kept }, context: { studio } }) => {
    const others = readSettings(studio.home).prompts.filter((p) => p !== prompt);
    return writeSettings(studio.home, { prompts: kept ? [...others, prompt] : others });
  }),
  log: api.studio.log.handler(({ context: { studio } }) => ({
    file: logFile(studio.home),
    end: readLogEnd(studio.home),
  })),
  openLog: api.studio.openLog.handler(({ context: { studio, desktop } }) => {
    if (fs.existsSync(logFile(studio.home))) desktop?.openFile(logFile(studio.home));
  }),
  openFolder: api.studio.openFolder.handler(({ input, context: { studio, desktop } }) =>
    desktop?.openFile(input.which === 'data' ? studio.home : logFolder(studio.home)),
  ),
  offerCommands: api.studio.offerCommands.handler(({ input, context }) => context.desktop?.menu.offer(input.ids)),
  chosenCommands: api.studio.chosenCommands.handler(({ context, signal }) =>
    subscription(context, 'studio.chosenCommands', context.desktop?.menu.chosen(signal) ?? none()),
  ),
  places: api.studio.places.handler(({ context, signal }) =>
    subscription(context, 'studio.places', context.desktop?.places(signal) ?? none()),
  ),
};
