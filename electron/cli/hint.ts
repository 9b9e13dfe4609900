import { locateHome } from '../studio/home.ts';

/** A command to type next, with the home that it needs where that is not the usual one. */
export function hint(home: string, command: string): string {
  const quoted = /[^\w./\\:-]/.test(home) ? JSON.stringify(home) : home;
  return home === locateHome() ? `trainyard ${command}` : `trainyard --home ${quoted} ${command}`;
}
