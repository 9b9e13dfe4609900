/** Colours that are told apart by people with any colour vision (Okabe & Ito 2008), on light and on dark. */
const light = ['#0072b2', '#d55e00', '#007a5a', '#a3498b', '#8a6d00', '#1a8fc4', '#5b5b5b', '#b01030'];
const dark = ['#56b4e9', '#ff8c42', '#2ec49a', '#e08cc4', '#e6c619', '#8fd3ff', '#b8b8b8', '#ff6b81'];
const dashes: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** A run's own look: it follows from its id, and stays whatever else is shown. */
export function lookOf(id: string, theme: 'light' | 'dark'): { colour: string; dash: number[] } {
  let hash = 2166136261;
  for (const c of id) hash = Math.imul(hash ^ c.codePointAt(0)!, 16777619) >>> 0;
  const colours = theme === 'dark' ? dark : light;
  const colour = colours[hash % colours.length]!;
  return { colour, dash: [...dashes[Math.floor(hash / colours.length) % dashes.length]!] };
}

/** The n-th colour of a chart whose lines are measures. */
export const colourOf = (n: number, theme: 'light' | 'dark'): string => (theme === 'dark' ? dark : light)[n % 8]!;
