import os from 'node:os';
import { findDevices } from '../../studio/devices.ts';
import { version } from '../../version.ts';
import { api } from '../context.ts';

export const studio = {
  info: api.studio.info.handler(({ context }) => ({
    version,
    home: context.studio.home,
    desktop: context.desktop !== undefined,
    memoryBytes: os.totalmem(),
    devices: [],
  })),
  devices: api.studio.devices.handler(() => findDevices()),
  pickFiles: api.studio.pickFiles.handler(({ input, context }) => context.desktop?.pickFiles(input.title) ?? null),
};
