import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/config.ts';
import type { RunEvent } from '../../electron/engine/trainer/events.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { hasCpu } from '../engine/devices.ts';
import { tempDir } from '../temp.ts';

describe.skipIf(!hasCpu)('what a run is asked for', () => {
  it('before its engine is ready is done as soon as it can be', async () => {
    const home = tempDir();
    const file = path.join(tempDir(), 'text.txt');
    fs.writeFileSync(file, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
    const studio = Studio.open(home);
    const { name } = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
    const config = parseRunConfig({
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
      ...{ dataset: name, tokenizer: 'bytes', batch: 2, tokensPerStep: 32 },
      phases: [{ kind: 'constant', steps: 20, from: 1e-3, to: 1e-3 }],
      evaluation: { every: 0, sequences: 2 },
      sampling: { tokens: 0 },
      checkpoints: { every: 0, keepLast: 9 },
      device: { kind: 'cpu', threads: 1 },
    });
    const { id } = studio.createRun(config, 'asked');
    const handle = studio.start(studio.store.getRun(id));
    const events: RunEvent[] = [];
    handle.onEvent((event) => events.push(event));
    handle.request('evaluate');
    handle.request('checkpoint');
    expect(await handle.ended).toMatchObject({ state: 'completed' });
    // What is measured at the start in any case is measured once more.
    const told = (type: RunEvent['type']) => events.flatMap((e) => (e.type === type && 'step' in e ? [e.step] : []));
    expect(told('checkpoint')).toEqual([0, 20]);
    expect(told('evaluation')).toEqual([0, 0, 20]);
    studio.close();
  });
});
