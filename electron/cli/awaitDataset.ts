import { setTimeout as sleep } from 'node:timers/promises';
import { isInTheMaking, unfinishedDatasets } from '../data/prepare/unfinished.ts';

const lookMs = 1000;
const reportMs = 30_000;

/** Waits until a dataset that is being made is finished; returns at once when it is, or nobody has begun it. */
export async function awaitDataset(home: string, name: string): Promise<void> {
  for (let reported = -Infinity; isInTheMaking(home, name); await sleep(lookMs)) {
    if (performance.now() - reported < reportMs) continue;
    reported = performance.now();
    const making = unfinishedDatasets(home).find((u) => u.name === name);
    if (!making) continue;
    const part = Math.floor((100 * making.doneBytes) / Math.max(1, making.totalBytes));
    const who = making.pid === null ? 'tokenizing has stopped: resume with `trainyard data add`' : `${part} % done`;
    console.error(`waiting for the dataset ${name}: ${who}`);
  }
}
