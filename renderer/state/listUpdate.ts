interface Update<T extends { readonly id: string | number }> {
  readonly changed: readonly T[];
  readonly order: readonly T['id'][];
}

/** A list with what is new in it. */
export function updated<T extends { readonly id: string | number }>(list: readonly T[], update: Update<T>): T[] {
  const known = new Map([...list, ...update.changed].map((item) => [item.id, item]));
  return update.order.flatMap((id) => known.get(id) ?? []);
}
