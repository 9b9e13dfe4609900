/**
 * A stream in pieces of one size, but for the last: however it came, it is cut in the same way each time.
 * @throws what the stream throws, behind what came before that
 */
export async function* inPieces(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (): Uint8Array => {
    const all = held.length === 1 ? held[0]! : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    return all;
  };
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + bytes - heldBytes);
        held.push(part);
        heldBytes += part.length;
        at += part.length;
        if (heldBytes === bytes) yield take();
      }
    }
  } catch (error) {
    if (heldBytes > 0) yield take();
    throw error;
  }
  if (heldBytes > 0) yield take();
}
