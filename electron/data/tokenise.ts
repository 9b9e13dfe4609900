import os from 'node:os';
import { pathToFileURL } from 'node:url';
import { Tinypool } from 'tinypool';
import { entryFile } from '../paths.ts';
import type { TokenizerName } from './tokenizers/index.ts';

/**
 * Tokenises pieces of text in worker threads, in their order, with few pieces in flight.
 * @yields the tokens of each piece
 */
export async function* tokenised(pieces: AsyncIterable<string>, tokenizer: TokenizerName): AsyncGenerator<Uint16Array> {
  const threads = os.availableParallelism();
  const filename = pathToFileURL(entryFile('data/tokenise.worker.ts', 'tokeniseWorker.js')).href;
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  try {
    const flying: Promise<Uint16Array>[] = [];
    for await (const text of pieces) {
      const tokens: Promise<Uint16Array> = pool.run({ text, tokenizer });
      tokens.catch(() => {}); // it is awaited below, in its turn
      flying.push(tokens);
      if (flying.length > threads) yield await flying.shift()!;
    }
    for (const tokens of flying) yield await tokens;
  } finally {
    await pool.destroy();
  }
}
