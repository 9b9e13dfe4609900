/**
 * The path that is meant by what is pasted into a field: file managers copy it in quotes (Windows' "Copy as path"), or as a
 * file:// address.
 */
export function pastedPath(text: string): string {
  const path = text.trim();
  const [, , quoted] = /^(["'])(.+)\1$/.exec(path) ?? [];
  if (quoted !== undefined) return quoted;
  if (!/^file:\/\/\//i.test(path)) return path;
  try {
    const { pathname } = new URL(path);
    // `/C:/texts` is Windows' `C:/texts`.
    return decodeURIComponent(pathname).replace(/^\/(?=[a-z]:)/i, '');
  } catch {
    return path; // no address after all
  }
}
