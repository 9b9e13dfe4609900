import { isMap, isScalar, LineCounter, parseDocument, stringify } from 'yaml';
import { configText } from './text.ts';

export type ConfigFormat = 'YAML' | 'JSON';

/** A config as text. */
export const written = (config: Readonly<Record<string, unknown>>, format: ConfigFormat): string =>
  format === 'JSON' ? `${JSON.stringify(config, null, 2)}\n` : stringify(config, { lineWidth: 0 });

/**
 * A config that was typed as YAML, which JSON is, too.
 * @returns the config, or what is wrong with the text and where
 */
export function parsed(text: string): { readonly config: Record<string, unknown> } | { readonly problem: string } {
  const lines = new LineCounter();
  // What is typed here comes from people: no alias of theirs may grow beyond measure.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const [error] = [...document.errors, ...document.warnings];
  if (error) return { problem: configText.problem(lines.linePos(error.pos[0]).line, error.message) };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return { problem: configText.empty };
  if (!isMap(document.contents)) return { problem: configText.noMap };
  try {
    return { config: document.toJS({ maxAliasCount: 100 }) as Record<string, unknown> };
  } catch (problem) {
    return { problem: configText.problem(1, (problem as Error).message) };
  }
}
