import type { DatasetView, PresetView, RunConfig, Setting, TokenizerName } from '../../../electron/api/types.ts';
import { deviceOf, devices } from '../../state/devices.svelte.ts';
import { chosenOptimizer } from '../../state/optimizers.svelte.ts';
import { fields, settings } from '../../state/settings.svelte.ts';
import { at, initial, withValue } from '../../state/settingValues.ts';
import { type PartDraft, partsOf, sourcesOf } from './parts.ts';
import { type PhaseDraft, draftOf, phaseOf } from './phase.ts';

type Tree = Record<string, unknown>;

/** A checkpoint that a run begins with. */
export interface Begin {
  readonly id: string;
  readonly name: string;
  readonly step: number;
}

const defaultPhases = (): PhaseDraft[] => [
  {
    kind: 'warmup',
    unit: 'steps',
    length: '100',
    from: '0',
    to: '6e-4',
    optimizer: '',
    batch: '',
    data: [],
    rest: {},
  },
  {
    kind: 'cosine',
    unit: 'steps',
    length: '1900',
    from: '6e-4',
    to: '6e-5',
    optimizer: '',
    batch: '',
    data: [],
    rest: {},
  },
];

const defaults = () => ({
  preset: null as string | null,
  touched: false,
  name: '',
  dataset: '',
  /** What it trains on besides the whole of the dataset, or in its place. */
  data: [] as PartDraft[],
  tokenizer: 'bytes' as TokenizerName,
  /** Of settings, by their paths, where they are not what a form starts with. An emptied number is null, what is no number NaN. */
  values: {} as Tree,
  /** As `deviceId` gives it; empty: the usual one. */
  device: '',
  phases: defaultPhases(),
  prompts: ['\n'],
  /** The checkpoint whose weights it begins with. */
  from: null as Begin | null,
  positions: '' as '' | 'repeat' | 'interpolate',
  /** What a preset says besides. */
  rest: {} as Tree,
});

/** The dataset that a run is validated on, and what it trains on: a part of it, another one, or several. */
function runSources(parts: readonly PartDraft[], own: string): Tree {
  const { dataset, subset, mix } = sourcesOf(parts, own) as { dataset?: string; subset?: unknown; mix?: unknown };
  const only = dataset === undefined ? undefined : [{ dataset, ...(subset ? { subset } : {}) }];
  return { dataset: own, ...(mix ? { mix } : only ? { mix: only } : subset ? { subset } : {}) };
}

/** The run that is being put together. It outlives the page, so that a look at another one loses nothing. */
class Draft {
  #state = $state(defaults());
  /** Datasets that are being prepared still. */
  making = $state.raw<readonly string[]>([]);

  get preset() {
    return this.#state.preset;
  }
  get touched() {
    return this.#state.touched;
  }
  get dataset() {
    return this.#state.dataset;
  }
  get tokenizer() {
    return this.#state.tokenizer;
  }
  /** What fields are bound to. */
  get fields() {
    return this.#state;
  }
  get name() {
    return this.#state.name;
  }
  set name(name: string) {
    this.#state.name = name;
  }
  /** Empty: the default. */
  get optimizer(): string {
    return (this.at('optimizer.kind') as string | undefined) ?? '';
  }
  get tokensPerStep(): number {
    return Number(this.at('tokensPerStep') ?? Number.NaN);
  }
  get phases() {
    return this.#state.phases;
  }
  set phases(phases: PhaseDraft[]) {
    this.#state.phases = phases;
  }

  /** What the field of a setting shows. */
  value(setting: Setting): unknown {
    const value = this.#state.values[setting.path];
    return value === undefined ? initial(setting) : value;
  }

  /** What a setting has, by its path; undefined while settings are being fetched. */
  at(path: string): unknown {
    const setting = settings.value?.find((s) => s.path === path);
    return setting && this.value(setting);
  }

  /** Changes settings, by their paths. */
  set(values: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#state.values, values);
  }

  /** Whether a setting makes a difference to what is drafted. */
  matters({ only }: Setting): boolean {
    const { device, phases } = this.#state;
    const kind = device === '' ? devices.value?.[0]?.kind : deviceOf(device).kind;
    const kinds = [this.optimizer, ...phases.map((p) => p.optimizer || this.optimizer)].map(chosenOptimizer);
    return (
      (only?.devices === undefined || (kind !== undefined && only.devices.includes(kind))) &&
      (only?.precision === undefined || only.precision === this.at('precision')) &&
      (only?.optimizers === undefined || kinds.some((k) => only.optimizers!.includes(k)))
    );
  }

  /** As the studio is asked about it. */
  get config(): Tree {
    const { device, dataset, data, tokenizer, phases, prompts, from, positions, rest } = this.#state;
    let config: Tree = {
      ...rest,
      device: { ...(rest.device as Tree | undefined), ...(device ? deviceOf(device) : {}) },
      ...runSources(data, dataset || 'none chosen yet'),
      tokenizer,
      sampling: { ...(rest.sampling as Tree | undefined), prompts: [...prompts] },
      ...(from ? { init: { run: from.id, step: from.step, ...(positions ? { positions } : {}) } } : {}),
      phases: phases.map((phase) => phaseOf(phase, dataset, this.making)),
    };
    for (const setting of fields()) {
      const value = this.value(setting);
      const isLeftOut = setting.optional && (value === null || value === false);
      config = withValue(config, setting.path, isLeftOut || !this.matters(setting) ? undefined : value);
    }
    return config;
  }

  /** Begins with a preset; the dataset stays if its tokens are the preset's. */
  take({ name, config }: PresetView): void {
    const fresh = defaults();
    const { tokenizer, phases, subset, mix, ...rest } = config as Tree & {
      phases?: Parameters<typeof draftOf>[0][];
      subset?: RunConfig['subset'];
      mix?: RunConfig['mix'];
    };
    const kind = (tokenizer ?? this.#state.tokenizer) as TokenizerName;
    const values: Tree = {};
    for (const { path } of fields()) {
      const value = at(config, path);
      if (value !== undefined) values[path] = value;
    }
    values.tokensPerStep ??= Number(values.batch) * Number(values['model.contextLength']);
    if (Number.isNaN(values.tokensPerStep)) delete values.tokensPerStep;
    Object.assign(this.#state, {
      ...fresh,
      preset: name,
      touched: true,
      name: this.#state.name,
      dataset: kind === this.#state.tokenizer ? this.#state.dataset : '',
      data: partsOf({ ...(subset ? { subset } : {}), ...(mix ? { mix } : {}) }),
      tokenizer: kind,
      values,
      phases: phases?.map(draftOf) ?? fresh.phases,
      prompts: [...((at(config, 'sampling.prompts') as string[] | undefined) ?? fresh.prompts)],
      rest,
    });
  }

  /** Begins with the weights of a checkpoint: the shape and the tokens are its run's, the phases fresh ones. */
  beginWith(from: Begin, { model, tokenizer }: RunConfig): void {
    const fresh = defaults();
    const { vocabSize: _, ...shape } = model;
    const { contextLength } = model;
    Object.assign(this.#state, {
      ...fresh,
      touched: true,
      preset: null,
      from,
      tokenizer,
      rest: { model: shape },
      values: {
        ...Object.fromEntries(Object.entries(shape).map(([name, value]) => [`model.${name}`, value])),
        batch: 1,
        tokensPerStep: contextLength,
      },
    });
  }

  /** Draws fresh weights. */
  forgetBegin(): void {
    this.#state.from = null;
    this.#state.positions = '';
  }

  /** Trains on a dataset, with its tokens. */
  use({ name, tokenizer }: DatasetView): void {
    this.#state.dataset = name;
    this.#state.tokenizer = tokenizer as TokenizerName;
  }

  /** Takes over what makes it fit. */
  apply({ optimizer, ...values }: { batch: number; precision: string; recompute: string; optimizer: string }): void {
    this.set({ ...values, 'optimizer.kind': optimizer });
    this.#state.touched = true;
  }

  reset(): void {
    Object.assign(this.#state, defaults());
  }
}

export const draft = new Draft();
