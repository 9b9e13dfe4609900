export const logText = {
  title: 'Log',
  hint: 'Internal errors of Trainyard and its training processes, with stack traces. Attach this to a bug report.',
  none: 'No errors',
  open: 'Open file',
} as const;

export const settingsText = {
  title: 'Settings',
  theme: 'Theme',
  system: 'System',
  light: 'Light',
  dark: 'Dark',
  home: 'Data folder',
  homeHint: 'Runs and datasets are stored here. Change it with --home or TRAINYARD_HOME.',
  devices: 'Devices',
  device: (kind: string, gpu: number | undefined) => (gpu === undefined ? kind : `${kind} ${gpu}`),
  rescan: 'Rescan',
  available: 'ready',
  missing: 'unavailable',
  shortcuts: 'Keyboard shortcuts',
  singleKeys: 'Single-key shortcuts',
  notifications: 'Notify me when a run finishes or fails',
  notificationsUnasked: 'Browser permission needed',
  allow: 'Allow',
  notificationsBlocked: 'Notifications are blocked: allow them for this page in the browser.',
  version: 'Version',
} as const;
