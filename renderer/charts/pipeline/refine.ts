import type { Line } from './types.ts';

/** A line whose middle is known more finely: what is finer takes the place of what it covers. */
export function refine(coarse: Line, fine: Line): Line {
  if (fine.x.length === 0) return coarse;
  const [first, last] = [fine.x[0]!, fine.x[fine.x.length - 1]!];
  const before = coarse.x.findIndex((x) => x >= first);
  const end = before < 0 ? coarse.x.length : before;
  const after = coarse.x.findIndex((x) => x > last);
  const begin = after < 0 ? coarse.x.length : after;
  const joined = (a: readonly number[], b: readonly number[]) => [...a.slice(0, end), ...b, ...a.slice(begin)];
  return { x: joined(coarse.x, fine.x), y: joined(coarse.y, fine.y) };
}
