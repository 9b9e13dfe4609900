import type { EventView } from '../../../electron/api/types.ts';
import { formatCount } from '../../format.ts';

export const logLevels = ['info', 'warning', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

const two = (n: number): string => String(n).padStart(2, '0');

/** By the clock of who reads it, to the second: `2026-05-09 22:14:03`. */
export function logTime(ms: number): string {
  const t = new Date(ms);
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  return `${day} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

/** A line of a log as a file has it. */
export const logLine = ({ time, step, level, message }: EventView): string =>
  `${logTime(time)}  ${level.padEnd(7)}  ${step === null ? '' : `step ${formatCount(step)}: `}${message}`;

/**
 * What is shown of a run's log.
 * @param minLevel the level below which nothing is shown
 * @param typed words that all are to be in a line
 */
export function filtered(events: readonly EventView[], minLevel: LogLevel, typed: string): readonly EventView[] {
  const from = logLevels.indexOf(minLevel);
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (from === 0 && words.length === 0) return events;
  return events.filter((event) => {
    if (logLevels.indexOf(event.level) < from) return false;
    const line = logLine(event).toLowerCase();
    return words.every((word) => line.includes(word));
  });
}
