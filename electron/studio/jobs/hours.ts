/** Hours of the day in which the queue trains, such as `22:00-07:00`. */
import { z } from 'zod';

const pattern = /^([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-3]):([0-5]\d)$/;

const minutesOf = (hours: string): readonly [from: number, to: number] => {
  const [, fromHour, fromMinute, toHour, toMinute] = pattern.exec(hours)!.map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return [60 * fromHour + fromMinute, 60 * toHour + toMinute];
};

/** Two times of the day that differ; the second may be in the next morning. Kept as `HH:MM-HH:MM`. */
export const hoursSchema = z
  .string()
  .trim()
  .regex(pattern, 'it must be two times of the day, such as 22:00-07:00')
  .transform((text) => text.replace(/\s*[-–]\s*/, '-'))
  .refine((text) => {
    const [from, to] = minutesOf(text);
    return from !== to;
  }, 'the two times must differ');

/**
 * Whether a time of this machine's clock is within hours: the first minute is, the last is not.
 * @param hours as `hoursSchema` keeps them; null: always
 */
export function isWithin(hours: string | null, time: Date): boolean {
  if (hours === null) return true;
  const [from, to] = minutesOf(hours);
  const now = 60 * time.getHours() + time.getMinutes();
  return from < to ? from <= now && now < to : from <= now || now < to;
}
