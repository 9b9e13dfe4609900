import os from 'node:os';

/**
 * Lets other processes go first, above all one that trains: what this one does fills what they leave of the processor.
 * For a process that prepares data, before it starts threads: they take it over.
 */
export function yieldToOthers(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that does not allow it: then it has its usual share.
  }
}
