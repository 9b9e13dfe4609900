import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CheckpointError } from './errors.ts';

/** Version of state.json; raised when a checkpoint of this program could no longer be read by the one before. */
const format = 1;

const fileSchema = z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const schema = z.object({
  format: z.literal(format),
  step: z.int().min(0),
  files: z.object({ model: fileSchema, optimizer: fileSchema }),
  /** What the trainer needs besides tensors. */
  state: z.record(z.string(), z.unknown()),
});

/** The content of state.json without its own checksum. */
export type StateFile = Omit<z.infer<typeof schema>, 'format'>;

/** JSON with sorted keys: the same text for the same content, whatever order and spacing a file has. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
}

const checksum = (content: unknown): string => createHash('sha256').update(canonical(content)).digest('hex');

/** JSON would silently turn NaN, infinities and -0 into something else, and a resumed run would differ. */
function exact(key: string, value: unknown): unknown {
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    throw new Error(
      `a checkpoint's state can't hold ${Object.is(value, -0) ? '-0' : value} (in ${JSON.stringify(key)})`,
    );
  }
  return value;
}

/** Text of state.json. Its last field is the sha256 of all the others in canonical form. */
export function sealState(content: StateFile): string {
  const plain = JSON.parse(JSON.stringify({ format, ...content }, exact));
  return `${JSON.stringify({ ...plain, sha256: checksum(plain) }, null, 2)}\n`;
}

/** @throws CheckpointError where the text was cut or edited since it was written */
export function unsealState(file: string, text: string): StateFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new CheckpointError(`${file} is damaged: it is not valid JSON (truncated or altered)`);
  }
  if (typeof parsed !== 'object' || parsed === null || !('sha256' in parsed)) {
    throw new CheckpointError(`${file} is damaged: it has no checksum`);
  }
  const { sha256, ...content } = parsed;
  if (sha256 !== checksum(content)) {
    throw new CheckpointError(`${file} was altered after it was written: its content does not match its checksum`);
  }
  if ('format' in content && content.format !== format) {
    throw new CheckpointError(
      `${file} has format ${String(content.format)} and this version reads format ${format}: update Trainyard`,
    );
  }
  const result = schema.safeParse(content);
  if (!result.success)
    throw new CheckpointError(
      `${file} lacks what a checkpoint needs: ${z.prettifyError(result.error).replace(/\s+/g, ' ')}`,
    );
  return result.data;
}
