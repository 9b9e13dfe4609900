import type { FieldOf } from '../../state/problems.ts';

const own: ReadonlySet<string> = new Set(['nLayer', 'nHead', 'nEmbd', 'contextLength', 'batch']);

/** The fields of the memory calculator, by the settings of what it asks. */
export const memoryFields: FieldOf = (path) => {
  if (path.startsWith('budget')) return 'reserve';
  const name = path.replace(/^config\.(model\.)?/, '');
  if (name === 'config' || path === 'config.model') return 'nHead';
  return own.has(name) ? name : undefined;
};
