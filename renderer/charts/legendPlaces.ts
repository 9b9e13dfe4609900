/** Of a legend's entry, the space left of all, and of a row: pixels. */
export const [markWidth, margin, rowHeight] = [18, 8, 18];

/** Where the entries of a legend stand that are so many pixels wide: in as many rows as they need. */
export function legendPlaces(widths: readonly number[], width: number): { left: number; row: number }[] {
  let [left, row] = [margin, 0];
  return widths.map((own) => {
    if (left > margin && left + markWidth + own > width) [left, row] = [margin, row + 1];
    const place = { left, row };
    left += markWidth + own + 16;
    return place;
  });
}
