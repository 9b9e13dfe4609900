import { messageOf } from '../../base/errors.ts';
import type { FoundDevice } from './kind.ts';

/** A device that is looked at: what it says of itself, or why it can't be used. */
export async function describedAs(kind: string, describe: () => string | Promise<string>): Promise<FoundDevice> {
  try {
    return { kind, available: true, description: await describe() };
  } catch (error) {
    return { kind, available: false, description: messageOf(error) };
  }
}
