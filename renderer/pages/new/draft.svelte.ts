import type {
  DatasetView,
  DeviceChoice,
  PresetView,
  RunConfig,
  Setting,
  TokenizerName,
} from '../../../electron/api/types.ts';
import { deviceId, deviceOf, devices } from '../../state/devices.svelte.ts';
import { chosenOptimizer } from '../../state/optimizers.svelte.ts';
import { fields, settings } from '../../state/settings.svelte.ts';
import { at, initial, withValue } from '../../state/settingValues.ts';
import { type PartDraft, partsOf, sourcesOf } from './parts.ts';
import { type PhaseDraft, draftOf, phaseOf } from './phase.ts';
import { configText } from './text.ts';

type Tree = Record<string, unknown>;

const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);

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

/** Stands for the dataset where none is chosen yet. */
export const noDataset = 'none chosen yet';

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
  /** As it was before anybody changed something of it. */
  #fresh = $state.raw(JSON.stringify(defaults()));
  /** What a run's config was put in place of. */
  #earlier = $state.raw<ReturnType<typeof defaults>>();
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
      ...runSources(data, dataset || noDataset),
      tokenizer,
      sampling: { ...(rest.sampling as Tree | undefined), prompts: [...prompts] },
      ...(from ? { init: { run: from.id, step: from.step, ...(positions ? { positions } : {}) } } : {}),
      phases: phases.map((phase) => phaseOf(phase, dataset || noDataset, this.making)),
    };
    for (const setting of fields()) {
      const value = this.value(setting);
      const isLeftOut = setting.optional && (value === null || value === false);
      config = withValue(config, setting.path, isLeftOut || !this.matters(setting) ? undefined : value);
    }
    return config;
  }

  /**
   * Begins with a preset; the dataset stays if its tokens are the preset's. Initial weights stay, with the shape and the
   * tokens of their model.
   */
  take({ name, config }: PresetView): void {
    const fresh = defaults();
    const { tokenizer, phases, subset, mix, ...rest } = config as Tree & {
      phases?: Parameters<typeof draftOf>[0][];
      subset?: RunConfig['subset'];
      mix?: RunConfig['mix'];
    };
    const { from, positions } = this.#state;
    const kind = (from ? this.#state.tokenizer : (tokenizer ?? this.#state.tokenizer)) as TokenizerName;
    const values: Tree = {};
    for (const { path } of fields()) {
      const value = from && path.startsWith('model.') ? this.#state.values[path] : at(config, path);
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
      from,
      positions,
      rest: from ? { ...rest, model: this.#state.rest.model } : rest,
    });
    // What is typed since then is somebody's work; a preset alone is not.
    if (!from && this.#state.name === '' && this.#state.dataset === '') this.#keepFresh();
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

  /** Trains on what is being tokenized, once it is made. */
  expect(tokenizer: TokenizerName): void {
    this.#state.dataset = '';
    this.#state.tokenizer = tokenizer;
  }

  /** Takes over what makes it fit. */
  apply({ optimizer, ...values }: { batch: number; precision: string; recompute: string; optimizer: string }): void {
    this.set({ ...values, 'optimizer.kind': optimizer });
    this.#state.touched = true;
  }

  /**
   * Takes over a config as it stands in a file: all that it says, and defaults where it says nothing.
   * @returns what can't be taken over; nothing is changed then
   */
  takeConfig(config: Tree): string | undefined {
    const fresh = defaults();
    const { tokenizer, phases, dataset, subset, mix, init, device, sampling, model, ...rest } = config;
    const { prompts, ...sampled } = (sampling ?? {}) as { prompts?: unknown };
    if (phases !== undefined && !(Array.isArray(phases) && phases.every(isTree)))
      return configText.wrong('phases', configText.phases);
    if (prompts !== undefined && !(Array.isArray(prompts) && prompts.every((p) => typeof p === 'string')))
      return configText.wrong('sampling.prompts', configText.texts);
    if (mix !== undefined && !(Array.isArray(mix) && mix.every(isTree))) return configText.wrong('mix', configText.mix);
    const own = typeof dataset === 'string' && dataset !== noDataset ? dataset : '';
    const { vocabSize: _, ...shape } = isTree(model) ? model : {};
    const { kind, gpu, ...ofDevice } = isTree(device) ? device : {};
    const from = isTree(init) ? (init as { run?: string; step?: number; positions?: '' }) : undefined;
    const values: Tree = {};
    for (const { path } of fields()) {
      const value = at(config, path);
      if (value !== undefined) values[path] = value;
    }
    Object.assign(this.#state, {
      ...fresh,
      preset: this.#state.preset,
      touched: true,
      name: this.#state.name,
      dataset: own,
      data: partsOf({
        ...(subset === undefined ? {} : { subset: subset as RunConfig['subset'] }),
        ...(mix === undefined ? {} : { mix: mix as RunConfig['mix'] }),
      }),
      tokenizer: tokenizer ?? this.#state.tokenizer,
      values,
      device: kind === undefined ? '' : deviceId({ kind, ...(gpu === undefined ? {} : { gpu }) } as DeviceChoice),
      phases: (phases as Parameters<typeof draftOf>[0][] | undefined)?.map(draftOf) ?? fresh.phases,
      prompts: [...((prompts as string[] | undefined) ?? fresh.prompts)],
      from: from?.run === undefined ? null : this.#beginOf(from.run, from.step ?? 0),
      positions: from?.positions ?? '',
      rest: { ...rest, model: shape, device: ofDevice, sampling: sampled },
    });
    return undefined;
  }

  #beginOf(id: string, step: number): Begin {
    const { from } = this.#state;
    return { id, step, name: from?.id === id ? from.name : id };
  }

  reset(): void {
    Object.assign(this.#state, defaults());
    this.#keepFresh();
  }

  #keepFresh(): void {
    this.#fresh = JSON.stringify($state.snapshot(this.#state));
  }

  /** Whether there is what somebody had drafted before a run's config took its place. */
  get hasEarlier(): boolean {
    return this.#earlier !== undefined;
  }

  /** Goes back to that. */
  restoreEarlier(): void {
    if (this.#earlier) Object.assign(this.#state, this.#earlier);
    this.#earlier = undefined;
  }

  /** Goes without it. */
  forgetEarlier(): void {
    this.#earlier = undefined;
  }

  /**
   * Starts from the whole config of a run; nothing of it is lost, and what was drafted before can be had back. Settings are
   * to be fetched before.
   * @param from the checkpoint whose weights it starts with; null: drawn ones
   */
  copy(
    config: RunConfig,
    { name, preset, from }: { readonly name: string; readonly preset: string | null; readonly from: Begin | null },
  ): void {
    const before = $state.snapshot(this.#state) as ReturnType<typeof defaults>;
    if (JSON.stringify(before) !== this.#fresh) this.#earlier = before;
    this.reset();
    this.takeConfig(config);
    Object.assign(this.#state, { name, preset, from });
    this.#keepFresh();
  }
}

export const draft = new Draft();
