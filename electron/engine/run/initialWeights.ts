import type { Session } from '../devices/device.ts';
import { familyOf, type ModelConfig, parameterTable } from '../models/index.ts';
import type { Model } from '../models/programs.ts';
import { UsageError } from '../../base/errors.ts';
import type { PositionExtension } from './config.ts';
import { padded } from './tensors.ts';

/** Weights that training begins with: of another run, or of a model from elsewhere. */
export interface InitialWeights {
  /** A parameter by its name, float32, without padding. */
  tensor(name: string): Promise<Float32Array>;
}

/**
 * Position embeddings for another context length. A shorter one takes the first; a longer one repeats them from the begin
 * on, or spreads them out and takes what lies between two in proportion.
 * @param wpe [positions, width]
 */
export function positionsFor(wpe: Float32Array, width: number, wanted: number, how: PositionExtension): Float32Array {
  const had = wpe.length / width;
  if (wanted <= had) return wpe.subarray(0, wanted * width);
  const out = new Float32Array(wanted * width);
  for (let t = 0; t < wanted; t++) {
    if (how === 'repeat') {
      const from = (t % had) * width;
      out.set(wpe.subarray(from, from + width), t * width);
      continue;
    }
    const at = wanted === 1 ? 0 : (t * (had - 1)) / (wanted - 1);
    const low = Math.min(Math.floor(at), had - 1);
    const high = Math.min(low + 1, had - 1);
    const part = at - low;
    for (let i = 0; i < width; i++)
      out[t * width + i] = (1 - part) * wpe[low * width + i]! + part * wpe[high * width + i]!;
  }
  return out;
}

const names: Readonly<Record<string, string>> = {
  family: 'model family',
  nLayer: 'layers',
  nHead: 'heads',
  nEmbd: 'width',
  vocabSize: 'vocabulary',
};
/** Settings in which a model may differ from that whose weights it begins with. */
const isFree: ReadonlySet<string> = new Set(['contextLength', 'dropout']);

/**
 * Checks that a model can begin with the weights of another.
 * @throws UsageError that names the dimension which differs, or asks how positions are extended
 */
export function requireCompatible(own: ModelConfig, from: ModelConfig, how: PositionExtension | undefined): void {
  const families = [familyOf(own), familyOf(from)].map(({ name }) => ({ family: name }));
  const [mine, other] = [own, from].map((config, i) => ({ ...config, ...families[i] }) as Record<string, unknown>);
  for (const key of new Set([...Object.keys(names), ...Object.keys(mine!), ...Object.keys(other!)])) {
    if (isFree.has(key) || mine![key] === other![key]) continue;
    throw new UsageError(
      `The ${names[key] ?? key} of the new run is ${mine![key]} and that of the model it is initialized from ${other![key]}: they must be the same.`,
    );
  }
  const learnsPositions = parameterTable(own).some(({ positions }) => positions);
  if (learnsPositions && own.contextLength > from.contextLength && how === undefined) {
    throw new UsageError(
      `A context of ${own.contextLength} is longer than that of the model it is initialized from (${from.contextLength}): say how its positions are extended, with --extend-positions repeat or interpolate.`,
    );
  }
}

/** Puts weights onto a device in place of freshly drawn ones. */
export async function writeInitialWeights(
  session: Session,
  model: Model,
  from: InitialWeights,
  how: PositionExtension = 'repeat',
): Promise<void> {
  const { nEmbd, contextLength } = model.config;
  for (const { spec, value } of model.parameters.all) {
    const stored = await from.tensor(spec.name);
    const values = spec.positions ? positionsFor(stored, nEmbd, contextLength, how) : stored;
    session.write(value, padded(value, spec.fileShape, values));
  }
  await session.run(model.castWeights);
}
