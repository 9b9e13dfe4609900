/** What corpora write between documents that are one file. In a document it is text like any other. */
export const endMarker = '<|endoftext|>';

const marker = Buffer.from(endMarker);

/** How often the marker stands in a text. */
export function markersIn(utf8: Uint8Array): number {
  const bytes = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length);
  let n = 0;
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + marker.length)) n++;
  return n;
}
