import type { DatasetView, PresetView, RunConfig, TokenizerName } from '../../electron/api/types.ts';
import { deviceOf, devices } from '../lib/devices.svelte.ts';
import { type PartDraft, partsOf, sourcesOf } from './parts.ts';
import { type PhaseDraft, draftOf, phaseOf } from './phase.ts';

type Tree = Record<string, unknown>;

/** A checkpoint that a run begins with. */
export interface Begin {
  readonly id: string;
  readonly name: string;
  readonly step: number;
}

const usualPhases = (): PhaseDraft[] => [
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

const usual = () => ({
  preset: null as string | null,
  touched: false,
  name: '',
  dataset: '',
  /** What it trains on besides the whole of the dataset, or in its place. */
  data: [] as PartDraft[],
  tokenizer: 'bytes' as TokenizerName,
  optimizer: 'adamw',
  lowBitStates: 'stable',
  model: { nLayer: 4, nHead: 4, nEmbd: 128, contextLength: 128, dropout: 0 },
  batch: 8,
  tokensPerStep: 1024,
  precision: 'f32',
  recompute: 'none',
  /** As `deviceId` gives it; empty: the usual one. */
  device: '',
  tf32: false,
  phases: usualPhases(),
  prompts: ['\n'],
  /** Empty: with every checkpoint. */
  sampleEvery: null as number | null,
  hellaswagEvery: 0,
  hellaswagItems: 1000,
  /** The checkpoint whose weights it begins with. */
  from: null as Begin | null,
  positions: '' as '' | 'repeat' | 'interpolate',
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
  #state = $state(usual());
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
  get optimizer() {
    return this.#state.optimizer;
  }
  get phases() {
    return this.#state.phases;
  }
  set phases(phases: PhaseDraft[]) {
    this.#state.phases = phases;
  }

  /** Whether any phase keeps its moments in few bits. */
  get isLowBit(): boolean {
    return [this.#state.optimizer, ...this.#state.phases.map((p) => p.optimizer)].some(
      (o) => !['', 'adamw'].includes(o),
    );
  }

  /** Whether a GPU is to train it. */
  get onGpu(): boolean {
    const { device } = this.#state;
    return device === '' ? devices.value?.[0]?.kind === 'cuda' : deviceOf(device).kind === 'cuda';
  }

  /** As the studio is asked about it. */
  get config(): Tree {
    const {
      model,
      batch,
      tokensPerStep,
      precision,
      recompute,
      device,
      tf32,
      dataset,
      data,
      tokenizer,
      optimizer,
      lowBitStates,
      phases,
      prompts,
      sampleEvery,
      hellaswagEvery,
      hellaswagItems,
      from,
      positions,
      rest,
    } = this.#state;
    return {
      ...rest,
      model: { ...model },
      batch,
      tokensPerStep,
      precision,
      recompute,
      device: {
        ...(rest.device as Tree | undefined),
        ...(device ? deviceOf(device) : {}),
        ...(tf32 && this.onGpu ? { tf32 } : {}),
      },
      ...runSources(data, dataset || 'none chosen yet'),
      tokenizer,
      sampling: {
        ...(rest.sampling as Tree | undefined),
        prompts: [...prompts],
        ...(typeof sampleEvery === 'number' ? { every: sampleEvery } : {}),
      },
      evaluation: { ...(rest.evaluation as Tree | undefined), hellaswagEvery, hellaswagItems },
      ...(from ? { init: { run: from.id, step: from.step, ...(positions ? { positions } : {}) } } : {}),
      optimizer: { ...(rest.optimizer as Tree | undefined), kind: optimizer, lowBitStates },
      phases: phases.map((phase) => phaseOf(phase, dataset, this.making)),
    };
  }

  /** Begins with a preset; the dataset stays if its tokens are the preset's. */
  take({ name, config }: PresetView): void {
    const fresh = usual();
    const { model, tokenizer, phases, optimizer, batch, tokensPerStep, precision, recompute, subset, mix, ...rest } =
      config as Tree & {
        model?: Tree;
        phases?: Parameters<typeof draftOf>[0][];
        subset?: RunConfig['subset'];
        mix?: RunConfig['mix'];
        optimizer?: { kind?: string; lowBitStates?: string };
        sampling?: { prompts?: string[]; every?: number };
        evaluation?: { hellaswagEvery?: number; hellaswagItems?: number };
      };
    const shape = { ...fresh.model, ...model } as typeof fresh.model;
    const kind = (tokenizer ?? this.#state.tokenizer) as TokenizerName;
    const size = (batch ?? fresh.batch) as number;
    Object.assign(this.#state, {
      ...fresh,
      preset: name,
      touched: true,
      name: this.#state.name,
      dataset: kind === this.#state.tokenizer ? this.#state.dataset : '',
      data: partsOf({ ...(subset ? { subset } : {}), ...(mix ? { mix } : {}) }),
      tokenizer: kind,
      model: shape,
      batch: size,
      tokensPerStep: tokensPerStep ?? size * shape.contextLength,
      precision: precision ?? 'f32',
      recompute: recompute ?? 'none',
      optimizer: optimizer?.kind ?? 'adamw',
      lowBitStates: optimizer?.lowBitStates ?? 'stable',
      phases: phases?.map(draftOf) ?? fresh.phases,
      prompts: [...(rest.sampling?.prompts ?? fresh.prompts)],
      sampleEvery: rest.sampling?.every ?? fresh.sampleEvery,
      hellaswagEvery: rest.evaluation?.hellaswagEvery ?? fresh.hellaswagEvery,
      hellaswagItems: rest.evaluation?.hellaswagItems ?? fresh.hellaswagItems,
      rest: { ...rest, ...(optimizer ? { optimizer } : {}) },
    });
  }

  /** Begins with the weights of a checkpoint: the shape and the tokens are its run's, the phases fresh ones. */
  beginWith(from: Begin, { model, tokenizer }: RunConfig): void {
    const fresh = usual();
    const { vocabSize: _, ...shape } = model;
    const { contextLength } = model;
    Object.assign(this.#state, {
      ...fresh,
      touched: true,
      preset: null,
      from,
      tokenizer,
      model: shape,
      batch: 1,
      tokensPerStep: contextLength,
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
  apply(config: { batch: number; precision: string; recompute: string; optimizer: string }): void {
    Object.assign(this.#state, config, { touched: true });
  }

  reset(): void {
    Object.assign(this.#state, usual());
  }
}

export const draft = new Draft();
