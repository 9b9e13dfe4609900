/**
 * A rule of ESLint: what a device, an optimizer or a model family is called stands in its own folder alone. Whoever needs to
 * know something of one asks its registry.
 */
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** The folder that kinds live in, with its registry, and their names. */
export const homes = {
  'electron/engine/devices': ['cpu', 'cuda', 'tfjs'],
  'electron/engine/optimizers': ['adamw', 'adamw8bit', 'pagedAdamw8bit', 'adamw4bit'],
};

export const kindsStayHome = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { away: '{{kind}} is named outside of {{home}}: ask the registry there for what it is.' },
  },
  create(context) {
    const file = path.relative(root, context.filename).replaceAll('\\', '/');
    const names = new Map(
      Object.entries(homes).flatMap(([home, kinds]) =>
        file.startsWith(`${home}/`) ? [] : kinds.map((kind) => [kind, home]),
      ),
    );
    const look = (node, text) => {
      const home = names.get(text);
      if (home !== undefined) context.report({ node, messageId: 'away', data: { kind: text, home } });
    };
    return {
      Literal: (node) => look(node, node.value),
      TemplateElement: (node) => look(node, node.value.cooked),
      SvelteLiteral: (node) => look(node, node.value),
    };
  },
};
