import { download } from '../ui/download.ts';

/** A color of the page, by its name in app.css. */
export const colorNamed = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Saves a picture as it is seen: on its background, with its title and what each line is. */
export function savePicture(
  canvas: HTMLCanvasElement,
  {
    title,
    fileName,
    legend,
  }: {
    readonly title: string;
    readonly fileName: string;
    readonly legend: readonly { readonly label: string; readonly color: string }[];
  },
): void {
  const scale = canvas.width / canvas.clientWidth;
  const head = Math.round(40 * scale);
  const picture = document.createElement('canvas');
  [picture.width, picture.height] = [canvas.width, canvas.height + head];
  const context = picture.getContext('2d')!;
  context.fillStyle = colorNamed('--surface');
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = colorNamed('--text');
  context.font = `600 ${14 * scale}px system-ui, sans-serif`;
  context.fillText(title, 8 * scale, 16 * scale);
  context.font = `${12 * scale}px system-ui, sans-serif`;
  let left = 8 * scale;
  for (const { label, color } of legend) {
    context.fillStyle = color;
    context.fillRect(left, 26 * scale, 14 * scale, 3 * scale);
    context.fillStyle = colorNamed('--text');
    context.fillText(label, left + 18 * scale, 32 * scale);
    left += context.measureText(label).width + 34 * scale;
  }
  context.drawImage(canvas, 0, head);
  picture.toBlob((blob) => blob && download(`${fileName}.png`, blob));
}
