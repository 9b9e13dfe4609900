import path from 'node:path';

/** Path of reference data: of that in this folder, or, where TRAINYARD_GOLDEN names another, of cases made with other seeds. */
export const goldenPath = (...parts: string[]): string =>
  path.join(process.env.TRAINYARD_GOLDEN ?? import.meta.dirname, ...parts);

/** Path of a text that people wrote. */
export const textPath = (name: string): string => path.join(import.meta.dirname, 'text', name);
