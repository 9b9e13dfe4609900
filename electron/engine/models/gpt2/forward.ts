import {
  attention,
  cachedAttention,
  dropout,
  embed,
  embedPacked,
  geluTanh,
  layerNorm,
  linear,
  packedAttention,
} from '../../ops/index.ts';
import type { Buffer } from '../../program/types.ts';
import { type Forward, type LayerCache, rowsOf } from '../model.ts';
import { layerNormEps } from './config.ts';

/** Records a GPT-2 up to its last layer norm. @returns hidden states, [batch·time, width] */
export function forward(f: Forward): Buffer {
  const { r, config, p, inputs } = f;
  let x = r.scope('embed', () => {
    const x = r.activation('x', [rowsOf(inputs), config.nEmbd]);
    const args = { tokens: inputs.tokens, wte: p.get('wte.weight'), wpe: p.get('wpe.weight'), x };
    if ('spans' in inputs) r.emit(embedPacked, { ...args, positions: inputs.positions });
    else r.emit(embed, { ...args, position: inputs.position });
    return dropped(f, x);
  });
  for (let layer = 0; layer < config.nLayer; layer++) {
    const input = x; // a recomputed block is recorded again later: it must see this layer's input
    x = r.scope(`h.${layer}`, () => r.part('block', () => block(f, layer, input)));
  }
  return norm(f, 'ln_f', x);
}

function block(f: Forward, layer: number, x: Buffer): Buffer {
  const middle = f.r.part('attention', () => attentionBranch(f, layer, x));
  return mlpBranch(f, layer, middle);
}

/** x + proj(attention(ln_1(x))) */
function attentionBranch(f: Forward, layer: number, x: Buffer): Buffer {
  const h = norm(f, `h.${layer}.ln_1`, x);
  const qkv = projectToQkv(f, `h.${layer}.attn.c_attn`, h);
  const y = f.cache ? attendCached(f, f.cache[layer]!, qkv) : attend(f, qkv);
  return projectBack(f, `h.${layer}.attn.c_proj`, y, x, 'x1');
}

/** x + proj(gelu(fc(ln_2(x)))) */
function mlpBranch(f: Forward, layer: number, x: Buffer): Buffer {
  const { r, p, config } = f;
  const h = norm(f, `h.${layer}.ln_2`, x);
  const shape = [rowsOf(f.inputs), 4 * config.nEmbd];
  const pre = r.activation('fc.pre', shape);
  const y = r.activation('fc', shape);
  const name = `h.${layer}.mlp.c_fc`;
  r.emit(linear, { x: h, w: p.get(`${name}.weight`), b: p.get(`${name}.bias`), y: pre }, { zeroFrom: 0, zeroTo: 0 });
  r.emit(geluTanh, { x: pre, y });
  return projectBack(f, `h.${layer}.mlp.c_proj`, y, x, 'x2');
}

function norm({ r, p, config, inputs }: Forward, name: string, x: Buffer): Buffer {
  const rows = rowsOf(inputs);
  const short = name.slice(name.lastIndexOf('.') + 1);
  const y = r.activation(short, [rows, config.nEmbd]);
  const mean = r.transient(`${short}.mean`, [rows]);
  const rstd = r.transient(`${short}.rstd`, [rows]);
  const [gamma, beta] = [p.get(`${name}.weight`), p.get(`${name}.bias`)];
  r.emit(layerNorm, { x, gamma, beta, y, mean, rstd }, { eps: layerNormEps });
  return y;
}

/**
 * A key's bias adds the same to all scores of a query, and softmax does not see that: its gradient is zero. AdamW would
 * scale the rounding noise in its place up to whole steps, so that gradient is not computed.
 */
function projectToQkv(f: Forward, name: string, x: Buffer): Buffer {
  const { nEmbd } = f.config;
  const y = f.r.activation('qkv', [rowsOf(f.inputs), 3 * nEmbd]);
  const [w, b] = [f.p.get(`${name}.weight`), f.p.get(`${name}.bias`)];
  f.r.emit(linear, { x, w, b, y }, { zeroFrom: nEmbd, zeroTo: 2 * nEmbd });
  return y;
}

function project(f: Forward, name: string, x: Buffer, label: string, width: number, residual?: Buffer): Buffer {
  const y = f.r.activation(label, [rowsOf(f.inputs), width]);
  f.r.emit(
    linear,
    { x, w: f.p.get(`${name}.weight`), b: f.p.get(`${name}.bias`), residual, y },
    { zeroFrom: 0, zeroTo: 0 },
  );
  return y;
}

/** A projection back into the residual stream. The addition is fused, unless dropout comes between. */
function projectBack(f: Forward, name: string, x: Buffer, residual: Buffer, label: string): Buffer {
  const { nEmbd } = f.config;
  if (f.dropout === 0) return project(f, name, x, label, nEmbd, residual);
  return dropped(f, project(f, name, x, `${label}.branch`, nEmbd), residual, label);
}

function attend({ r, config, inputs, dropout: p }: Forward, qkv: Buffer): Buffer {
  const [batch, time] = inputs.tokens.shape as [number, number];
  const y = r.activation('attn', [rowsOf(inputs), config.nEmbd]);
  if ('spans' in inputs) {
    r.emit(packedAttention, { qkv, spans: inputs.spans, y }, { heads: config.nHead });
    return y;
  }
  const lse = r.transient('attn.lse', [batch, config.nHead, time]);
  r.emit(attention, { qkv, rng: inputs.rng, y, lse }, { dropout: p, stream: r.nextStream() });
  return y;
}

function attendCached({ r, config, inputs }: Forward, { k, v }: LayerCache, qkv: Buffer): Buffer {
  if ('spans' in inputs) throw new Error('packed texts have no cache');
  const y = r.activation('attn', [rowsOf(inputs), config.nEmbd]);
  r.emit(cachedAttention, { qkv, position: inputs.position, kCache: k, vCache: v, y });
  return y;
}

function dropped(f: Forward, x: Buffer, residual?: Buffer, label = 'dropped'): Buffer {
  if (f.dropout === 0 || 'spans' in f.inputs) return x;
  const y = f.r.activation(label, x.shape);
  f.r.emit(dropout, { x, rng: f.inputs.rng, residual, y }, { dropout: f.dropout, stream: f.r.nextStream() });
  return y;
}
