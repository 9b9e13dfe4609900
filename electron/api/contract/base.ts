import { oc } from '@orpc/contract';
import { z } from 'zod';
import { runDevices } from '../../engine/config.ts';
import type { DeviceChoice } from '../../engine/devices/usual.ts';

/** The beginning of every procedure. What a procedure answers is typed and not validated: it comes from this program. */
export const procedure = oc;

/** The type of an answer or of what a subscription yields. */
export const answers = <T>() => z.custom<T>();

export const runId = z.string().min(1).max(200);

/** What is to train: a kind of device, and of GPUs which one. */
export const deviceChoice = z.strictObject({
  kind: z.enum(runDevices),
  gpu: z.int().min(0).optional(),
}) satisfies z.ZodType<DeviceChoice>;

/** The answer of a procedure that only does something. */
export const nothing = z.void();
