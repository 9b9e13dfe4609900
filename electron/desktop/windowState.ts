import fs from 'node:fs';
import { z } from 'zod';

const bounds = z.object({ x: z.number(), y: z.number(), width: z.number().min(400), height: z.number().min(300) });
const stateSchema = z.object({ bounds, maximized: z.boolean() });

export type Bounds = z.infer<typeof bounds>;
export type WindowState = z.infer<typeof stateSchema>;

/** Where the window was; undefined when that is not known. */
export function readWindowState(file: string): WindowState | undefined {
  try {
    return stateSchema.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return undefined; // the first start, or a file that something else wrote
  }
}

export function writeWindowState(file: string, state: WindowState): void {
  try {
    fs.writeFileSync(file, JSON.stringify(state));
  } catch {
    // The next start opens the window where the system puts it.
  }
}

/** Whether enough of a window is on a display to be taken hold of: one that was unplugged must not hide it. */
export function isVisible(window: Bounds, displays: readonly Bounds[]): boolean {
  return displays.some((d) => {
    const width = Math.min(window.x + window.width, d.x + d.width) - Math.max(window.x, d.x);
    const height = Math.min(window.y + 40, d.y + d.height) - Math.max(window.y, d.y);
    return width >= 120 && height >= 20;
  });
}
