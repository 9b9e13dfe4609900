/** Colors that are told apart by people with any color vision (Okabe & Ito 2008), on light and on dark. */
const light = ['#0072b2', '#d55e00', '#007a5a', '#a3498b', '#8a6d00', '#1a8fc4', '#5b5b5b', '#b01030'];
const dark = ['#56b4e9', '#ff8c42', '#2ec49a', '#e08cc4', '#e6c619', '#8fd3ff', '#b8b8b8', '#ff6b81'];

/** A color nearer to another one, both as `#rrggbb`. */
function mixed(color: string, other: string, share: number): string {
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [color, other].map((c) => parseInt(c.slice(at, at + 2), 16)) as [number, number];
    return Math.round(a + share * (b - a))
      .toString(16)
      .padStart(2, '0');
  });
  return `#${parts.join('')}`;
}

/** How much nearer to the ink of a page colors come each time that all of them are given away. */
const inks = [0, 0.4, 0.65];

/**
 * The color of the n-th of several runs. Runs that are shown together have theirs in order, so that no two of few are alike; where
 * there are more than colors, the same come again darker on light, and paler on dark.
 */
export function colorInOrder(n: number, theme: 'light' | 'dark'): string {
  const ink = inks[Math.floor(n / light.length) % inks.length]!;
  return mixed(colorOf(n, theme), theme === 'dark' ? '#ffffff' : '#000000', ink);
}

/** Validation, where its run's color is that of its training. */
export const validationDash: readonly number[] = [6, 4];

/** The n-th color of a chart whose lines are measures. */
export const colorOf = (n: number, theme: 'light' | 'dark'): string => (theme === 'dark' ? dark : light)[n % 8]!;
