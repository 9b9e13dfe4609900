import type { ConfigProblem } from '../../electron/api/types.ts';

/** Of a page's fields, the one at which a setting of a config is shown; undefined: the page has none for it. */
export type FieldOf = (path: string) => string | undefined;

/** The problems of a form, each at its field; those without one are left for the form as a whole. */
export class Problems {
  readonly rest: readonly string[];
  readonly count: number;
  readonly #at = new Map<string, string[]>();

  constructor(problems: readonly ConfigProblem[], fieldOf: FieldOf = (path) => path) {
    const rest: string[] = [];
    for (const { path, message } of problems) {
      const field = fieldOf(path);
      const list = field === undefined ? rest : (this.#at.get(field) ?? []);
      const said = field === undefined && path !== '' ? `${words(path)}: ${message}` : message;
      // Two settings of one field, such as both ends of a range, have one problem.
      if (!list.includes(said)) list.push(said);
      if (field !== undefined) this.#at.set(field, list);
    }
    this.rest = rest.map(sentence);
    this.count = problems.length;
  }

  /** What is said under a field. */
  at(field: string): string | undefined {
    return this.#at.get(field)?.map(sentence).join(' ');
  }

  /** Whether a field whose name begins so has a problem: for what is folded away. */
  below(prefix: string): boolean {
    return [...this.#at.keys()].some((field) => field.startsWith(prefix));
  }
}

/** Messages are written to stand behind a path; under a field they stand alone. */
function sentence(message: string): string {
  const said = message.replace(/^it (is missing|must)/, (_, verb: string) => (verb === 'must' ? 'must' : 'is missing'));
  const capitalized = said.charAt(0).toUpperCase() + said.slice(1);
  return /[.!?]$/.test(capitalized) ? capitalized : `${capitalized}.`;
}

/** A setting that has no field, as of a preset: `guards.spikeSteps` is "guards, spike steps". */
const words = (path: string): string =>
  path.replaceAll('.', ', ').replace(/[a-z][A-Z]/g, ([a, b]) => `${a} ${b!.toLowerCase()}`);
