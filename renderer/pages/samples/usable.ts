import { api } from '../../state/api.ts';

/** A run that has checkpoints. */
export interface Usable {
  readonly id: string;
  readonly name: string;
  /** Of its checkpoints, the latest first. */
  readonly steps: readonly number[];
}

/** A checkpoint of a run, as an address has it: `calm-otter-1a2b/500`. */
export interface Place {
  readonly run: string;
  readonly step: number;
}

export const placeText = ({ run, step }: Place): string => `${run}/${step}`;

/** The checkpoint that an address means, or else the latest of its run; undefined where that has none. */
export function placeIn(runs: readonly Usable[], text: string | null | undefined): Place | undefined {
  const [, id = '', step = ''] = /^(.*?)(?:\/(\d+))?$/.exec(text ?? '') ?? [];
  const run = runs.find((r) => r.id === id);
  if (!run) return undefined;
  return { run: id, step: step !== '' && run.steps.includes(Number(step)) ? Number(step) : run.steps[0]! };
}

/** Runs that have checkpoints, the newest first. */
export async function usableRuns(): Promise<Usable[]> {
  const rows = (await api.models.evals()).filter((row) => row.kept);
  const all: { id: string; name: string; steps: number[] }[] = [];
  // Rows of a run and of a step stand together.
  for (const { run: id, name, step } of rows) {
    if (all.at(-1)?.id !== id) all.push({ id, name, steps: [] });
    const { steps } = all.at(-1)!;
    if (steps.at(-1) !== step) steps.push(step);
  }
  return all;
}
