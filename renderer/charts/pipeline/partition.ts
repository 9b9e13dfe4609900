import type { Line } from './types.ts';

/** A line in parts whose x rises: where a run went back, what was drawn before is not joined to what came after. */
export function partition({ x, y }: Line): Line[] {
  const parts: { x: number[]; y: number[] }[] = [];
  for (let i = 0; i < x.length; i++) {
    if (i === 0 || x[i]! < x[i - 1]!) parts.push({ x: [], y: [] });
    const part = parts[parts.length - 1]!;
    part.x.push(x[i]!);
    part.y.push(y[i]!);
  }
  return parts;
}
