import { vi } from 'vitest';

/** What is printed while something runs. */
export async function printed<T>(work: () => Promise<T>): Promise<{ text: string; result: T }> {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  try {
    const result = await work();
    return { text: lines.join('\n'), result };
  } finally {
    spy.mockRestore();
  }
}
