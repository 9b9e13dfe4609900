import type { StandardRPCJsonSerializerOptions } from '@orpc/client/standard';

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
];
