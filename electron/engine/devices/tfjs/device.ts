import type { Call } from '../../program/types.ts';
import { checkPrograms, type Device } from '../device.ts';
import { loadBackend } from './backend.ts';
import { handlers } from './ops/index.ts';
import { TfjsSession } from './session.ts';

/**
 * The device that interprets programs over TensorFlow.js tensors: a GPU path without our own binary where
 * `@tensorflow/tfjs-node-gpu` is installed, and everywhere the reference that other devices are tested against.
 * @throws UserError when TensorFlow.js is not installed
 */
export async function createTfjsDevice(): Promise<Device> {
  const { tf, description } = await loadBackend();
  const device: Device = {
    kind: 'tfjs',
    description,
    overheadBytes: () => 0,
    supports: tfjsSupports,
    async load(programs, plan) {
      checkPrograms(device, programs);
      return new TfjsSession(tf, programs, plan);
    },
  };
  return device;
}

/** Why TensorFlow.js can't run a call, or undefined when it can. */
export const tfjsSupports = (call: Call): string | undefined =>
  handlers.has(call.kind) ? undefined : 'the tfjs device does not know this op';
