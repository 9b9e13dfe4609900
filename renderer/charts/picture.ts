import { download } from '../ui/download.ts';
import { legendPlaces, margin, markWidth, rowHeight } from './legendPlaces.ts';

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
  const picture = document.createElement('canvas');
  const context = picture.getContext('2d')!;
  const font = `${12 * scale}px system-ui, sans-serif`;
  context.font = font;
  const places = legendPlaces(
    legend.map(({ label }) => context.measureText(label).width / scale),
    canvas.clientWidth,
  );
  const head = Math.round((40 + rowHeight * (places.at(-1)?.row ?? 0)) * scale);
  // Its size, once said, forgets all that was said before.
  [picture.width, picture.height] = [canvas.width, canvas.height + head];
  context.fillStyle = colorNamed('--surface');
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = colorNamed('--text');
  context.font = `600 ${14 * scale}px system-ui, sans-serif`;
  context.fillText(title, margin * scale, 16 * scale);
  context.font = font;
  for (const [i, { label, color }] of legend.entries()) {
    const { left, row } = places[i]!;
    const y = 26 + row * rowHeight;
    context.fillStyle = color;
    context.fillRect(left * scale, y * scale, 14 * scale, 3 * scale);
    context.fillStyle = colorNamed('--text');
    context.fillText(label, (left + markWidth) * scale, (y + 6) * scale);
  }
  context.drawImage(canvas, 0, head);
  picture.toBlob((blob) => blob && download(`${fileName}.png`, blob));
}
