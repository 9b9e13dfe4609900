import type { FieldOf } from '../../state/problems.ts';

/** Settings whose field has another name than they, or is one for several of them. */
const others: readonly (readonly [setting: RegExp, field: string])[] = [
  [/^model$/, 'model.nHead'],
  [/^device(\..*)?$/, 'device'],
  [/^sampling\.prompts(\..*)?$/, 'sampling.prompts'],
  [/^init\.positions$/, 'positions'],
  [/^init(\..*)?$/, 'from'],
  [/^budget(\..*)?$/, 'reserve'],
];

/** Of a source of data: what is typed of it. A single one is no mix. */
function sourceField(path: string): string | undefined {
  if (/^subset(\.|$)/.test(path)) return 'data.0.range';
  if (path === 'mix') return 'data';
  const [, part, setting] = /^mix\.(\d+)(?:\.(\w+))?/.exec(path) ?? [];
  if (part === undefined) return undefined;
  return `data.${part}.${setting === 'subset' ? 'range' : (setting ?? 'dataset')}`;
}

const phaseFields: Readonly<Record<string, string>> = {
  kind: 'kind',
  steps: 'length',
  tokens: 'length',
  endAfter: 'length',
  from: 'from',
  to: 'to',
  optimizer: 'optimizer',
  batch: 'batch',
  dataset: 'data.0.dataset',
};

/** Of a phase, whose rate is one where it is constant. */
function phaseField(path: string, isConstant: boolean): string | undefined {
  if (path === '') return '';
  if (path === 'to' && isConstant) return 'from';
  return phaseFields[path] ?? sourceField(path);
}

/** The fields of a phase editor. @param first where its first phase stands among those of the run */
export function phasesFields(phases: readonly { readonly kind: string }[], first = 0): FieldOf {
  return (path) => {
    const [, index, , rest = ''] = /^phases\.(\d+)(\.(.*))?$/.exec(path) ?? [];
    const phase = phases[Number(index ?? Number.NaN) - first];
    if (!phase) return undefined;
    const field = phaseField(rest, phase.kind === 'constant');
    if (field === undefined) return undefined;
    return field === '' ? `phases.${index}` : `phases.${index}.${field}`;
  };
}

/** The fields of New run. @param own paths of settings that have a field under their own name */
export function runFields(phases: readonly { readonly kind: string }[], own: ReadonlySet<string>): FieldOf {
  const ofPhases = phasesFields(phases);
  return (path) => {
    if (own.has(path) || path === 'dataset' || path === 'phases') return path;
    const other = others.find(([setting]) => setting.test(path));
    return other ? other[1] : (sourceField(path) ?? ofPhases(path));
  };
}
