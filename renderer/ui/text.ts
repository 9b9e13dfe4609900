import { formatCount, plural } from '../format.ts';

const limit = (x: number): string => x.toLocaleString('en-US', { maximumFractionDigits: 9 });

export const signInText = {
  token: 'Token or link from the terminal',
  enter: 'Sign in',
} as const;

export const paletteText = {
  open: 'Search…',
  placeholder: 'Search commands and runs…',
  none: 'No matches',
} as const;

export const stateText = {
  elsewhere: 'in another process',
  crashed: 'Training process crashed or was killed.',
} as const;

export const deviceText = {
  device: 'Device',
  goOn: 'Resume on',
  unusable: (reason: string) => `Unavailable: ${reason}`,
  defaults: (name: string) => (name === '' ? 'Auto' : `Auto (${name})`),
  own: (name: string) => `Same as run (${name})`,
  gone: (device: string) => `${device} (not found)`,
} as const;

export const problemText = {
  noNumber: 'Enter a number.',
  notWhole: 'Enter a whole number.',
  min: (min: number) => `Must be at least ${limit(min)}.`,
  above: (min: number) => `Must be greater than ${limit(min)}.`,
  max: (max: number) => `Must be at most ${limit(max)}.`,
  tooLong: (max: number) => `Must have at most ${plural(max, 'character')}.`,
  tooManyLines: (max: number) => `Must have at most ${plural(max, 'line')}.`,
} as const;

export const promptText = {
  promptNumber: (n: number) => `Prompt ${formatCount(n)}`,
  removePrompt: (n: number) => `Remove prompt ${formatCount(n)}`,
  addPrompt: 'Add prompt',
} as const;

export const helpText = {
  about: (label: string) => `About ${label}`,
  defaultValue: (value: string) => `Default: ${value}`,
} as const;

export const tagsText = {
  label: 'Tags',
  add: 'Add tag',
  remove: (tag: string) => `Remove tag ${tag}`,
  create: (tag: string) => `Add “${tag}”`,
  suggestions: 'Tags in use',
  tooMany: (max: number) => `A run has at most ${plural(max, 'tag')}.`,
} as const;
