import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cachedFile, type Source, validationFile } from '../../electron/evals/hellaswag/source.ts';
import { tempDir } from '../temp.ts';

const content = Buffer.from('{"an": "item"}\n'.repeat(20_000));
const sha256 = createHash('sha256').update(content).digest('hex');

/** A server of the file that does what the test wants with each request. */
async function serve(answer: http.RequestListener): Promise<Source & { asked: () => number }> {
  let asked = 0;
  const server = http.createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/val.jsonl`, sha256, bytes: content.length, asked: () => asked };
}
const whole: http.RequestListener = (_, response) => void response.end(content);
const left = (home: string) => fs.readdirSync(path.join(home, 'evals'));

describe('the validation set', () => {
  it('is fetched once, with progress, and kept', async () => {
    const source = await serve(whole);
    const home = tempDir();
    const seen: number[] = [];
    const file = await validationFile(home, { onProgress: (done) => seen.push(done) }, source);
    expect(file).toBe(cachedFile(home));
    expect(fs.readFileSync(file)).toEqual(content);
    expect(seen.at(-1)).toBe(content.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await validationFile(home, {}, source)).toBe(file);
    expect(source.asked()).toBe(1);
    expect(left(home)).toEqual(['hellaswag_val.jsonl']);
  });

  it.each<[string, http.RequestListener, RegExp]>([
    ['is not there', (_, r) => void r.writeHead(404).end('no'), /the server answered 404/],
    ['is another one', (_, r) => void r.end(Buffer.alloc(content.length)), /its checksum is wrong/],
    ['is longer', (_, r) => void r.end(Buffer.concat([content, content])), /longer than it should be/],
    ['is shorter', (_, r) => void r.end(content.subarray(0, 1000)), /1000 of \d+ bytes arrived/],
    [
      'is cut off',
      (_, r) => {
        r.writeHead(200, { 'content-length': content.length });
        r.write(content.subarray(0, 1000), () => r.destroy());
      },
      /the connection was cut off|terminated|aborted/,
    ],
    ['never comes', () => {}, /the server sent nothing for 0\.2 s/],
    ['stops coming', (_, r) => void r.write(content.subarray(0, 1000)), /the server sent nothing for 0\.2 s/],
  ])('that %s is not kept, and what to do is said', async (_, answer, message) => {
    const home = tempDir();
    const source = await serve(answer);
    // Where nothing is to stall, this machine may.
    const stallMs = message.source.includes('nothing for') ? 200 : 60_000;
    await expect(validationFile(home, { stallMs }, source)).rejects.toThrow(message);
    await expect(validationFile(home, { stallMs }, source)).rejects.toThrow(
      /hand the file over with `trainyard eval fetch --data FILE`/,
    );
    expect(left(home)).toEqual([]);
  });

  it('comes slowly and is waited for', async () => {
    const source = await serve((_, response) => {
      const pieces = [content.subarray(0, 1000), content.subarray(1000, 2000), content.subarray(2000)];
      const next = () => {
        const piece = pieces.shift();
        if (piece) response.write(piece, () => setTimeout(next, 120));
        else response.end();
      };
      next();
    });
    const home = tempDir();
    expect(fs.readFileSync(await validationFile(home, { stallMs: 60_000 }, source))).toEqual(content);
  });

  it('is not waited for when that is cancelled, or nobody serves it', async () => {
    const home = tempDir();
    const source = await serve(() => {});
    const controller = new AbortController();
    const fetching = validationFile(home, { signal: controller.signal }, source);
    controller.abort();
    await expect(fetching).rejects.toThrow(/abort/);
    const nobody = { ...source, url: 'http://127.0.0.1:1/val.jsonl' };
    await expect(validationFile(home, {}, nobody)).rejects.toThrow(/refuses the connection|bad port/);
    expect(left(home)).toEqual([]);
  });
});
