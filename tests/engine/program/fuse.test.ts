import { describe, expect, it } from 'vitest';
import { geluTanh, linear } from '../../../electron/engine/ops/index.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import type { Buffer, Program, Role } from '../../../electron/engine/program/types.ts';
import { verify } from '../../../electron/engine/program/verify.ts';

const buffer = (name: string, shape: number[], role: Role = 'parameter'): Buffer => ({
  name,
  shape,
  dtype: 'f32',
  role,
});
const kinds = (p: Program) => p.calls.map((c) => c.kind);
const none = { zeroFrom: 0, zeroTo: 0 };
const [x, w, u, dy] = [
  buffer('x', [3, 4]),
  buffer('w', [4, 5]),
  buffer('u', [5, 4]),
  buffer('dy', [3, 4], 'input'),
] as const;

/** What a test records beside, or does otherwise. */
interface Recorded {
  readonly residual?: boolean;
  /** GELU's gradient is wanted by something else, too. */
  readonly twice?: boolean;
}

function mlp({ residual, twice }: Recorded = {}): Program {
  const r = new Recorder({ training: true, gradientOf: (p) => buffer(`d(${p.name})`, [...p.shape], 'gradient') });
  const [pre, h, y] = [r.transient('pre', [3, 5]), r.transient('h', [3, 5]), buffer('y', [3, 4], 'output')];
  r.emit(linear, { x, w, residual: residual ? buffer('residual', [3, 5], 'input') : undefined, y: pre }, none);
  r.emit(geluTanh, { x: pre, y: h });
  r.emit(linear, { x: h, w: u, y }, none);
  if (twice) {
    const z = buffer('z', [3, 4], 'output');
    r.emit(linear, { x: h, w: u, y: z }, none);
    r.share(z, dy);
  }
  r.share(y, dy);
  if (!residual) r.backward();
  const program = r.program('mlp');
  verify(program);
  return program;
}

describe('GELU', () => {
  it('is taken at the end of the product before it, and its gradient at the end of the one behind', () => {
    const backward = [
      'linearBackwardInputGeluTanh',
      'linearBackwardWeight',
      'linearBackwardInput',
      'linearBackwardWeight',
    ];
    expect(kinds(mlp())).toEqual(['linearGeluTanh', 'linear', ...backward]);
    const [first, , third] = mlp().calls;
    expect(first!.args.pre!.name).toBe('pre');
    expect(third!.args).toMatchObject({ pre: first!.args.pre, dx: { name: 'd(pre)' } });
  });

  it('stays by itself where a residual is added before it', () => {
    expect(kinds(mlp({ residual: true }))).toEqual(['linear', 'geluTanh', 'linear']);
  });

  it('has a gradient by itself where that comes from several calls', () => {
    const all = kinds(mlp({ twice: true }));
    expect(all).toContain('geluTanhBackward');
    expect(all).not.toContain('linearBackwardInputGeluTanh');
  });
});
