import { messageOf } from '../../errors.ts';

/** Whether there was too little memory, of a device or of the host. */
export const isOutOfMemory = (error: unknown): boolean => messageOf(error).includes('out of memory');
/** Whether it was a GPU's. */
export const isGpuFull = (error: unknown): boolean => isOutOfMemory(error) && !/ on the host$/.test(messageOf(error));
