/** Pictures as files: a browser reads and writes them. */
import type { Page } from 'playwright-core';
import type { Picture } from './compare.ts';

const canvasOf = `async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext('2d', { willReadFrequently: true }).drawImage(image, 0, 0);
  return canvas;
}`;

const urlOf = (file: Buffer, kind: 'png' | 'webp'): string =>
  JSON.stringify(`data:image/${kind};base64,${file.toString('base64')}`);
const fileOf = (url: unknown): Buffer => Buffer.from(String(url).replace(/^[^,]*,/, ''), 'base64');

/** @param page an empty one */
export async function decode(page: Page, file: Buffer, kind: 'png' | 'webp'): Promise<Picture> {
  const [width, height, url] = (await page.evaluate(`(async () => {
    const canvas = await (${canvasOf})(${urlOf(file, kind)});
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(new Blob([data]));
    });
    return [canvas.width, canvas.height, url];
  })()`)) as [number, number, string];
  return { width, height, data: fileOf(url) };
}

/** A PNG as it is kept: WebP, which is smaller by half. */
export async function toWebp(page: Page, png: Buffer): Promise<Buffer> {
  return fileOf(await page.evaluate(`(${canvasOf})(${urlOf(png, 'png')}).then((c) => c.toDataURL('image/webp', 0.8))`));
}

export async function toPng(page: Page, { width, height, data }: Picture): Promise<Buffer> {
  const pixels = JSON.stringify(Buffer.from(data).toString('base64'));
  return fileOf(
    await page.evaluate(`(() => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [${width}, ${height}];
      const data = Uint8ClampedArray.from(atob(${pixels}), (c) => c.charCodeAt(0));
      canvas.getContext('2d').putImageData(new ImageData(data, ${width}, ${height}), 0, 0);
      return canvas.toDataURL('image/png');
    })()`),
  );
}
