interface Points {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Room at the edges for half the width of the line. */
const edge = 1.5;

const rounded = (x: number): number => Math.round(10 * x) / 10;

/**
 * The path of a small curve over its steps, the least value at the bottom. It is broken where a value is not finite; one that
 * has no neighbors is a dot. Empty where there is none.
 */
export function sparkPath({ steps, values }: Points, { width, height }: Size): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return '';
  const [min, max] = [Math.min(...finite), Math.max(...finite)];
  const [from, to] = [steps[0]!, steps[steps.length - 1]!];
  const x = (step: number) =>
    rounded(to > from ? edge + ((step - from) / (to - from)) * (width - 2 * edge) : width / 2);
  const y = (value: number) =>
    rounded(max > min ? height - edge - ((value - min) / (max - min)) * (height - 2 * edge) : height / 2);
  const good = (i: number) => Number.isFinite(values[i]);
  return steps
    .flatMap((step, i) => {
      if (!good(i)) return [];
      const at = `${x(step)} ${y(values[i]!)}`;
      if (good(i - 1)) return [`L${at}`];
      // A line of no length has round ends.
      return [good(i + 1) ? `M${at}` : `M${at}h0`];
    })
    .join('');
}
