const count = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 383,161,344 */
export const formatCount = (n: number): string => count.format(n);

/** 383 M, 11.7 B */
export function formatShort(n: number): string {
  const units = ['', ' k', ' M', ' B', ' T'];
  let unit = 0;
  let x = n;
  while (Math.abs(x) >= 1000 && unit < units.length - 1) {
    x /= 1000;
    unit++;
  }
  const digits = unit === 0 ? (Number.isInteger(x) ? 0 : 1) : Math.abs(x) < 10 ? 2 : Math.abs(x) < 100 ? 1 : 0;
  return `${x.toFixed(digits)}${units[unit]}`;
}

/** 9.75 GiB */
export function formatBytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let x = n;
  while (Math.abs(x) >= 1024 && unit < units.length - 1) {
    x /= 1024;
    unit++;
  }
  return unit === 0 ? `${x} B` : `${x.toFixed(2)} ${units[unit]}`;
}

/** 3d 4h, 2h 05m, 4m 10s, 12s */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  if (d > 0) return `${d}d ${h}h`;
  if (h > 0) return `${h}h ${String(m).padStart(2, '0')}m`;
  return m > 0 ? `${m}m ${String(s % 60).padStart(2, '0')}s` : `${s}s`;
}

/** A rate such as 4e-4 in few digits. */
export const formatRate = (x: number): string =>
  x === 0 ? '0' : Math.abs(x) >= 0.01 ? String(+x.toPrecision(4)) : Number(x.toPrecision(4)).toExponential();

export const formatLoss = (x: number | null): string => (x === null ? '–' : Number.isNaN(x) ? 'NaN' : x.toFixed(4));

export const formatTime = (ms: number): string =>
  new Date(ms).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
