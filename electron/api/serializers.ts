import type { StandardRPCJsonSerializerOptions } from '@orpc/client/standard';

const whole = new WeakSet<object>();

/** Has numbers of a curve cross a transport in one piece: one by one, a thousand of them take longer than they took to read. */
export function inOnePiece(numbers: number[]): number[] {
  whole.add(numbers);
  return numbers;
}

/**
 * For both ends of every transport. JSON has no infinite number and makes null of one, which would mean that nothing was
 * measured: a loss that overflowed was.
 */
export const serializers: NonNullable<StandardRPCJsonSerializerOptions['customJsonSerializers']> = [
  {
    // Numbers below 20 are those of oRPC itself.
    type: 20,
    condition: (data) => data === Infinity || data === -Infinity,
    serialize: String,
    deserialize: Number,
  },
  {
    // Only the studio sends it: there is no Buffer in a window.
    type: 21,
    condition: (data) => Array.isArray(data) && whole.has(data),
    serialize: (data: number[]) => Buffer.from(Float64Array.from(data).buffer).toString('base64'),
    deserialize: (text: string) =>
      Array.from(new Float64Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer)),
  },
];
