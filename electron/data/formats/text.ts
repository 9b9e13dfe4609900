import type { Format } from './format.ts';

/** Plain text: it is cut by whoever makes the dataset, for a document may be larger than what is held of it. */
export const text: Format = { name: 'text', endings: ['.txt', '.md'], unit: 'line' };
