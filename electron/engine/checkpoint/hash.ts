import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';

const chunkBytes = 8 * 2 ** 20;

/** sha256 of a file in hexadecimal. Reads the next chunk while it hashes one, and lets the event loop run in between. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await fs.open(file, 'r');
  try {
    let [current, next] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    let { bytesRead } = await handle.read(current, 0, chunkBytes, 0);
    for (let position = bytesRead; bytesRead > 0; position += bytesRead) {
      const reading = handle.read(next, 0, chunkBytes, position);
      hash.update(current.subarray(0, bytesRead));
      bytesRead = (await reading).bytesRead;
      [current, next] = [next, current];
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
