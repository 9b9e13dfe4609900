import { plural } from '../../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { UserError } from '../../base/errors.ts';
import { findFiles } from '../inputs/walk.ts';
import { hashOf } from '../sampling/permutation.ts';

/** Text that documents are cut out of, at most. */
const maxText = 256 << 20;
/** Bytes of text in a file. */
const chunkBytes = 32 << 20;
/** Bytes of a document, before it is stretched to the end of a line. */
const [shortest, longest] = [200, 12_000];

/**
 * Writes a corpus as SlimPajama has it, chunks of lines in zstd, of documents that are cut at random out of real text.
 * @param inputs text files and folders
 * @param bytes of text
 * @throws UserError when there is too little text to cut documents out of
 */
export async function makeCorpus(
  dir: string,
  inputs: readonly string[],
  bytes: number,
): Promise<{ documents: number }> {
  const parts: Buffer[] = [];
  let size = 0;
  const { files } = await findFiles(inputs);
  for (const file of files) {
    if (size >= maxText) break;
    if (file.format !== 'text' || file.compression !== 'none') continue;
    const content = fs.readFileSync(file.path);
    parts.push(content, Buffer.from('\n'));
    size += content.length + 1;
  }
  const text = Buffer.concat(parts);
  if (text.length < 20 * longest)
    throw new UserError(`${plural(text.length, 'byte')} of text: too few to make a corpus of: name more.`);
  let documents = 0;
  let written = 0;
  for (let chunk = 0; written < bytes; chunk++) {
    const lines: string[] = [];
    const end = Math.min(bytes, written + chunkBytes);
    for (; written < end; documents++) {
      const length = shortest + Math.floor((longest - shortest) * (hashOf(documents, 1) / 2 ** 32) ** 2);
      const at = Math.floor((hashOf(documents) / 2 ** 32) * (text.length - longest));
      // Whole lines: a character is not cut in two.
      const begin = text.indexOf(10, at) + 1;
      const stop = text.indexOf(10, begin + length);
      const document = text.toString('utf8', begin, stop < 0 ? text.length : stop);
      written += Buffer.byteLength(document);
      lines.push(JSON.stringify({ text: document, meta: { redpajama_set_name: `Set${documents % 7}` } }));
    }
    fs.writeFileSync(
      path.join(dir, `example_train_${chunk}.jsonl.zst`),
      zlib.zstdCompressSync(`${lines.join('\n')}\n`),
    );
  }
  return { documents };
}
