import { kindOf } from '../../engine/devices/registry.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { UserError } from '../../base/errors.ts';
import type { SpawnEngine } from '../run/engine.ts';
import { runJob } from '../run/job.ts';
import { stepKinds } from './estimate.ts';
import { keepTimes, keptTimes } from './kept.ts';

/**
 * Times a few real steps of a run on its device, in a process of its own, and keeps what was found. What was measured
 * before is not measured again.
 * @param signal ends the process at once
 * @throws UserError when the device can't be used or its memory is taken; the signal's reason
 */
export async function measureSteps(
  home: string,
  config: RunConfig,
  spawn: SpawnEngine,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const speed = kindOf(config.device.kind).speed?.(config.device, home);
  if (!speed)
    throw new UserError(`Steps on ${kindOf(config.device.kind).noun} can't be timed: not found on this machine.`);
  const kept = keptTimes(home, speed.key, config);
  const settings = stepKinds(config).filter((kind) => !kept(kind));
  if (settings.length === 0) return;
  const messages = runJob({ type: 'time', config, settings, findings: home }, (listener) => {
    const engine = spawn(listener);
    if (signal?.aborted) engine.kill();
    signal?.addEventListener('abort', () => engine.kill(), { once: true });
    return engine;
  });
  try {
    for await (const message of messages)
      if (message.type === 'timed') keepTimes(home, speed.key, config, message.settings, message.times);
  } catch (error) {
    // A process that was ended is no failure of it.
    signal?.throwIfAborted();
    throw error;
  }
}
