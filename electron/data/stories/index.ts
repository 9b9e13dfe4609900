import { PhiloxStream } from '../../base/rng/philox.ts';
import { writeStory } from './grammar.ts';

/** The stream of random numbers that stories are drawn from. */
const storyStream = 0x73746f72;

/**
 * Made-up short stories in plain English, no two alike, an empty line between them: a corpus to train on without a network.
 * The same seed tells the same stories.
 * @param bytes length of the text, about; it ends with a whole story
 */
export function generateStories({ seed, bytes }: { readonly seed: number; readonly bytes: number }): string {
  const random = new PhiloxStream(seed, storyStream);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random.nextFloat() * choices.length)]!;
  const seen = new Set<string>();
  let length = 0;
  while (length < bytes) {
    const story = writeStory(pick);
    if (seen.has(story)) continue;
    seen.add(story);
    length += story.length + 2;
  }
  return `${[...seen].join('\n\n')}\n\n`;
}
