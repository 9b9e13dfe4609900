/** Every number that people read is written here, in a terminal and on a page alike. It imports nothing: the page has it, too. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes for people: `1.50 GiB`. */
export function formatBytes(bytes: number, digits = 2): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(digits)} ${units[unit]}`;
}

/** A whole number with separators: `383,161,344`. */
export const formatCount = (n: number): string => Math.round(n).toLocaleString('en-US');

/** A number with three significant digits and a suffix: `11.7 B`. */
export function formatShort(n: number): string {
  const suffixes = ['', ' k', ' M', ' B', ' T'];
  let value = n;
  let i = 0;
  while (Math.abs(value) >= 999.5 && i < suffixes.length - 1) {
    value /= 1000;
    i++;
  }
  return `${i === 0 && Number.isInteger(value) ? value : value.toPrecision(3)}${suffixes[i]}`;
}

/** Seconds for people: `2h 05m`, `3m 20s`, `12s`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const days = Math.floor(s / 86400);
  const hours = Math.floor(s / 3600) % 24;
  const minutes = Math.floor(s / 60) % 60;
  if (days > 0) return `${days}d ${two(hours)}h`;
  if (hours > 0) return `${hours}h ${two(minutes)}m`;
  if (minutes > 0) return `${minutes}m ${two(s % 60)}s`;
  return `${s}s`;
}

/** A rate such as 4e-4 in few digits. */
export const formatRate = (x: number): string =>
  x === 0 ? '0' : Math.abs(x) >= 0.01 ? String(+x.toPrecision(4)) : Number(x.toPrecision(4)).toExponential();

/** A number in so many significant digits and no zeros behind them: `3.25`. */
export const formatDigits = (x: number, digits: number): string => String(+x.toPrecision(digits));

/** How many of what: `1 step`, `1,234 steps`. @param many where it is not the one with an s */
export const plural = (n: number, one: string, many = `${one}s`): string => `${formatCount(n)} ${n === 1 ? one : many}`;
