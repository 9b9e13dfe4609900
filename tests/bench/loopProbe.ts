/**
 * Measures the event loop of the studio's process from inside it: loaded there by NODE_OPTIONS, so that the product knows
 * nothing of it. Whoever connects to its socket is told what was found since the last one did.
 */
import net from 'node:net';
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Where the probe of a process that is started with this environment variable listens. */
export const probeVariable = 'TRAINYARD_LOOP_PROBE';

/** Of times in milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoopDelay {
  /** How late timers were, for whatever reason: where other processes have the processor, too. */
  readonly late: Spread;
  /** What the thread computed from one look at the loop to the next: other processes don't change it. */
  readonly busy: Spread;
}

/** How often the loop is looked at, milliseconds: of a delay so much is no delay. */
const everyMs = 1;

const socket = process.env[probeVariable];
if (socket !== undefined && isMainThread && /[\\/]electron[\\/]process[\\/]main\.ts$/.test(process.argv[1] ?? '')) {
  const histogram = monitorEventLoopDelay({ resolution: everyMs });
  histogram.enable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - everyMs);
  const busy = createHistogram();
  let before = process.threadCpuUsage();
  setInterval(() => {
    const now = process.threadCpuUsage();
    busy.record(Math.max(1, now.user + now.system - before.user - before.system));
    before = now;
  }, everyMs).unref();
  net
    .createServer((asking) => {
      const found: LoopDelay = {
        late: { p50: late(histogram.percentile(50)), p99: late(histogram.percentile(99)), max: late(histogram.max) },
        busy: { p50: busy.percentile(50) / 1e3, p99: busy.percentile(99) / 1e3, max: busy.max / 1e3 },
      };
      histogram.reset();
      busy.reset();
      asking.end(JSON.stringify(found));
    })
    .listen(socket)
    .unref();
}

/** What the probe that listens there has found since it was asked last. */
export async function askProbe(at: string): Promise<LoopDelay> {
  const asking = net.connect(at);
  let answer = '';
  for await (const part of asking.setEncoding('utf8')) answer += String(part);
  return JSON.parse(answer) as LoopDelay;
}
