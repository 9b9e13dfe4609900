/** Makes docs/guide/settings.md from the table of settings: `node docs/settings.ts`. */
import fs from 'node:fs';
import { packageFile } from '../electron/base/paths.ts';
import { sections } from '../electron/base/setting.ts';
import { describeAbsent, type Setting, settings } from '../electron/engine/run/settings.ts';

const titles: Readonly<Record<(typeof sections)[number], string>> = {
  model: 'Model',
  data: 'Data',
  training: 'Training',
  optimizer: 'Optimizer',
  device: 'Device',
  evaluation: 'Evaluation',
  sampling: 'Samples',
  stability: 'Stability',
  checkpoints: 'Checkpoints',
};

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function row(s: Setting): string {
  const choices = s.choices ? `: ${s.choices.join(', ')}` : '';
  return `| \`${s.flag}\` | \`${s.path}\` | ${escaped(s.help)}${choices} | ${escaped(describeAbsent(s))} |`;
}

export function settingsPage(): string {
  const parts = sections.flatMap((section) => {
    const rows = settings.filter((s) => s.section === section).map(row);
    if (rows.length === 0) return [];
    return [
      `## ${titles[section]}`,
      ['| flag | in a config | what it is | default |', '|---|---|---|---|', ...rows].join('\n'),
    ];
  });
  return [
    '# Settings of a run',
    '<!-- Made by docs/settings.ts from the table of settings. Not edited by hand. -->',
    'Flags of `train`, keys of a JSON file (`--config`) and fields of New run are the same settings. Flags win over the file, and the file over a preset.',
    ...parts,
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

if (import.meta.main) fs.writeFileSync(packageFile('docs/guide/settings.md'), settingsPage());
