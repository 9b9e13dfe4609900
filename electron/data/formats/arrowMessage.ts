import type { Field as FbField } from 'apache-arrow/fb/field';
import { Message as FbMessage } from 'apache-arrow/fb/message';
import { RecordBatch as FbRecordBatch } from 'apache-arrow/fb/record-batch';
import { Schema as FbSchema } from 'apache-arrow/fb/schema';
import { ByteBuffer } from 'flatbuffers';
import { messageOf } from '../../base/errors.ts';
import { damaged } from './fileError.ts';

/** What a message says of itself. Of other kinds than these nothing is needed. */
export type ArrowMessage = { readonly bodyLength: number } & (
  | { readonly type: 'schema'; readonly columns: readonly string[] }
  | { readonly type: 'dictionary' | 'other' }
  | { readonly type: 'rows'; readonly rows: number }
);

/** Columns are not nested deeper. */
const maxDepth = 100;
/** Of a field's description, at least. */
const fieldBytes = 4;
const nodeBytes = 16;

/**
 * Reads the metadata of a message, without the library's own reader: that one believes lengths that damage has made up, and
 * is busy with them for hours.
 * @throws FileError when it is damaged
 */
export function readMessage(bytes: Uint8Array): ArrowMessage {
  try {
    const message = FbMessage.getRootAsMessage(new ByteBuffer(bytes));
    const bodyLength = Number(message.bodyLength());
    // MessageHeader: Schema 1, DictionaryBatch 2, RecordBatch 3.
    switch (message.headerType()) {
      case 1:
        return {
          type: 'schema',
          bodyLength,
          columns: columnsOf(message.header(new FbSchema()) as FbSchema, bytes.length),
        };
      case 2:
        return { type: 'dictionary', bodyLength };
      case 3:
        return {
          type: 'rows',
          bodyLength,
          rows: rowsOf(message.header(new FbRecordBatch()) as FbRecordBatch, bytes.length),
        };
      default:
        return { type: 'other', bodyLength };
    }
  } catch (error) {
    throw damaged(messageOf(error), error);
  }
}

function columnsOf(schema: FbSchema, size: number): string[] {
  let fields = 0;
  const count = (n: number): number => {
    fields += n;
    if (fields * fieldBytes > size) throw new Error(`${fields} columns in ${size} bytes`);
    return n;
  };
  const check = (field: FbField, depth: number): void => {
    if (depth > maxDepth) throw new Error('its columns are nested without end');
    for (let i = count(field.childrenLength()) - 1; i >= 0; i--) check(field.children(i)!, depth + 1);
  };
  return Array.from({ length: count(schema.fieldsLength()) }, (_, i) => {
    const field = schema.fields(i)!;
    check(field, 0);
    return field.name() ?? '';
  });
}

function rowsOf(batch: FbRecordBatch, size: number): number {
  const rows = Number(batch.length());
  if (batch.nodesLength() * nodeBytes > size || batch.buffersLength() * nodeBytes > size)
    throw new Error(`a batch of ${batch.nodesLength()} columns`);
  // A column says again how many there are.
  if (rows < 0 || Number(batch.nodes(0)?.length() ?? rows) !== rows) throw new Error(`a batch of ${rows} rows`);
  return rows;
}
