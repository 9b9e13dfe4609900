import type { TokenizerName } from '../data/tokenizers/index.ts';
import { openStore, type Store } from '../studio/store/index.ts';
import { tokenizerNamed } from '../studio/tokenizers.ts';

/** The tokenizer that a flag names. @throws UserError when it names none */
export async function chosenTokenizer(home: string, text: string): Promise<TokenizerName> {
  let store: Store | undefined;
  try {
    return await tokenizerNamed(home, text, () => (store ??= openStore(home)));
  } finally {
    store?.close();
  }
}
