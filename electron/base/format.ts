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

/** A number with up to three significant digits and a suffix: `859K`, `4.1M`, `1.56B`. */
export function formatShort(n: number): string {
  const suffixes = ['', 'K', 'M', 'B', 'T'];
  let value = n;
  let i = 0;
  while (Math.abs(value) >= 999.5 && i < suffixes.length - 1) {
    value /= 1000;
    i++;
  }
  // Beyond the last suffix there are no words for it.
  if (Math.abs(value) >= 999.5) return Number.isFinite(n) ? n.toExponential(2) : notFinite(n);
  return `${i === 0 && Number.isInteger(value) ? value : +value.toPrecision(3)}${suffixes[i]}`;
}

const powers: Readonly<Record<string, number>> = { k: 3, K: 3, M: 6, B: 9 };

/** A number as people write it, 1e-3, 262144, 262K, 10M or 1.5B; NaN when it is none. */
export function readNumber(text: string): number {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?\s*([kKMB]?)\s*$/.exec(text);
  if (!match) return Number.NaN;
  const [, digits, exponent = '0', suffix = ''] = match;
  // Rounded once: 1.001M is 1,001,000, where 1.001 × 1e6 is a little less. And -0 is 0, which is no negative number.
  return Number(`${digits}e${Number(exponent) + (powers[suffix] ?? 0)}`) + 0;
}

/** What has no digits: `NaN`, `∞`, `−∞`. */
const notFinite = (x: number): string => (Number.isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞');

/** A loss, where there is one: what would be rounded to 0, or has more digits than people read, is told by its power of ten. */
export function formatLoss(x: number | null, digits = 4): string {
  if (x === null) return '–';
  if (!Number.isFinite(x)) return notFinite(x);
  const size = Math.abs(x);
  return x !== 0 && (size < 0.5 * 10 ** -digits || size >= 1e9) ? x.toExponential(2) : x.toFixed(digits);
}

/** The perplexity of a loss in nats: `50,257.00`, and `∞` of a loss whose perplexity no number holds. */
export function formatPerplexity(loss: number, digits = 2): string {
  const x = Math.exp(loss);
  if (!Number.isFinite(x)) return notFinite(x);
  if (x >= 1e12) return x.toExponential(digits);
  return x.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Seconds for people: `3y 120d`, `2d 04h`, `2h 05m`, `3m 20s`, `12s`, `0.3s`. A year has 365 days. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  // Nothing that takes time takes none.
  if (seconds > 0 && seconds < 0.95) return `${Math.max(0.1, seconds).toFixed(1)}s`;
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const years = Math.floor(s / (365 * 86400));
  const days = Math.floor(s / 86400) % 365;
  const hours = Math.floor(s / 3600) % 24;
  const minutes = Math.floor(s / 60) % 60;
  if (years > 0) return `${formatCount(years)}y ${days}d`;
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

/** A share for people, in up to three significant digits: `0.5` is `50 %`. */
export const formatPercent = (share: number): string => `${formatDigits(100 * share, 3)} %`;

/**
 * How many of what: `1 step`, `1,234 steps`.
 * @param many where it is not the one with an s
 * @param format how the number is written
 */
export const plural = (n: number, one: string, many = `${one}s`, format = formatCount): string =>
  `${format(n)} ${n === 1 ? one : many}`;
