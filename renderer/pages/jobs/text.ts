import { formatBytes, formatCount } from '../../format.ts';

export const jobsText = {
  title: 'Jobs',
  hint: 'Training, tokenizing, evaluations, imports and exports, from all windows and terminals. Closing a window cancels nothing.',
  active: 'running and queued',
  queue: 'Running and queued',
  ended: 'Finished',
  none: 'Nothing is running or queued',
  noneHint: 'Start a run while another one is training on the same device, and it is queued behind it.',
  what: 'Job',
  state: 'State',
  progress: 'Progress',
  time: 'Time',
  order: 'Order',
  up: (title: string) => `Move up: ${title}`,
  down: (title: string) => `Move down: ${title}`,
  cancel: (title: string) => `Cancel: ${title}`,
  retry: (title: string) => `Try again: ${title}`,
  log: 'Log',
  emptyLog: 'The log is empty.',
  clear: 'Clear finished',
  states: {
    queued: 'queued',
    running: 'running',
    done: 'done',
    paused: 'paused',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  hours: 'Train queued runs only between (blank: any time)',
  hoursHint: 'Such as 22:00-07:00, by the clock of the machine that trains. Runs are paused and resumed bit-exactly.',
  pause: 'Pause queue',
  resume: 'Resume queue',
  paused: 'The queue is paused: queued runs do not start.',
  openHours: (hours: string) => `Queued runs train from ${hours.replace('-', ' to ')}.`,
  of: (done: number, total: number, unit: string) =>
    unit === 'bytes'
      ? `${formatBytes(done)} of ${formatBytes(total)}`
      : `${formatCount(done)} of ${formatCount(total)} ${unit}`,
} as const;
