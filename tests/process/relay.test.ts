import { expect, it } from 'vitest';
import { Relay } from '../../electron/process/relay.ts';

async function take(items: AsyncIterable<number>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
}

it('keeps the newest of what nobody hears, until somebody does', async () => {
  const relay = new Relay<number>(2);
  for (const item of [1, 2, 3]) relay.send(item);
  const heard = take(relay.listen(undefined), 3);
  relay.send(4);
  expect(await heard).toEqual([2, 3, 4]);
  // The one that listened has left: what comes now waits again.
  relay.send(5);
  expect(await take(relay.listen(undefined), 1)).toEqual([5]);
});

it('tells everybody who listens, and ends with the signal', async () => {
  const relay = new Relay<number>(1);
  const controller = new AbortController();
  const first = take(relay.listen(controller.signal), 2);
  const second = take(relay.listen(undefined), 1);
  relay.send(7);
  expect(await second).toEqual([7]);
  controller.abort();
  expect(await first).toEqual([7]);
});
