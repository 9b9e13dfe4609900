export * from '../../electron/format.ts';

export const formatLoss = (x: number | null): string => (x === null ? '–' : Number.isNaN(x) ? 'NaN' : x.toFixed(4));

export const formatTime = (ms: number): string =>
  new Date(ms).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
