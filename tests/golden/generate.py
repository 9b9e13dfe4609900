#!/usr/bin/env python3
"""Makes the golden data in this folder. Reference maths in float64 with PyTorch's autograd.

    pip install numpy torch        # any PyTorch from 1.13 on
    python3 generate.py OUT_DIR [SEED]

Each case is a folder: JSON for numbers and settings, safetensors for arrays (float32 unless said).
Another SEED makes other cases of the same kinds: the product must pass those as well.
"""
import json, math, os, struct, sys
import numpy as np
import torch

OUT = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 0
torch.set_default_dtype(torch.float64)
torch.manual_seed(1234 + SEED)
NAMES = {np.dtype('float32'): 'F32', np.dtype('float64'): 'F64', np.dtype('uint8'): 'U8', np.dtype('int32'): 'I32'}


def save(path, tensors):
    """Write {name: array} as a safetensors file."""
    head, blobs, at = {}, [], 0
    for name, t in tensors.items():
        a = t.detach().cpu().numpy() if torch.is_tensor(t) else np.asarray(t)
        if a.dtype == np.float64:
            a = a.astype(np.float32)
        if a.dtype == np.int64:
            a = a.astype(np.int32)
        b = np.ascontiguousarray(a).tobytes()
        head[name] = {'dtype': NAMES[a.dtype], 'shape': list(a.shape), 'data_offsets': [at, at + len(b)]}
        blobs.append(b)
        at += len(b)
    h = json.dumps(head).encode()
    h += b' ' * (-len(h) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(h)) + h + b''.join(blobs))


def folder(*p):
    d = os.path.join(OUT, *p)
    os.makedirs(d, exist_ok=True)
    return d


def dump(path, obj):
    with open(path, 'w') as f:
        json.dump(obj, f, indent=1)


# ---------------------------------------------------------------- GPT-2 (Hugging Face names and layouts)
def f32(t):
    """Round to float32 and come back, so that the stored file is exactly what was computed with."""
    return t.to(torch.float32).to(torch.float64)


def gpt2_init(c, std):
    V, T, C, L = c['vocab_size'], c['n_positions'], c['n_embd'], c['n_layer']
    p = {'wte.weight': torch.randn(V, C) * std, 'wpe.weight': torch.randn(T, C) * std}
    for i in range(L):
        h = f'h.{i}.'
        for ln in ('ln_1', 'ln_2'):
            p[h + ln + '.weight'] = 1 + 0.1 * torch.randn(C)
            p[h + ln + '.bias'] = 0.1 * torch.randn(C)
        for n, (i_, o_) in {'attn.c_attn': (C, 3 * C), 'attn.c_proj': (C, C), 'mlp.c_fc': (C, 4 * C), 'mlp.c_proj': (4 * C, C)}.items():
            p[h + n + '.weight'] = torch.randn(i_, o_) * std      # Conv1D: (in, out)
            p[h + n + '.bias'] = torch.randn(o_) * 0.02
    p['ln_f.weight'] = 1 + 0.1 * torch.randn(C)
    p['ln_f.bias'] = 0.1 * torch.randn(C)
    return {k: f32(v) for k, v in p.items()}


def layer_norm(x, w, b):
    m = x.mean(-1, keepdim=True)
    v = ((x - m) ** 2).mean(-1, keepdim=True)
    return (x - m) / torch.sqrt(v + 1e-5) * w + b


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gpt2_logits(p, c, ids):
    B, T = ids.shape
    C, H = c['n_embd'], c['n_head']
    x = p['wte.weight'][ids] + p['wpe.weight'][:T]
    mask = torch.tril(torch.ones(T, T, dtype=torch.bool))
    for i in range(c['n_layer']):
        h = f'h.{i}.'
        a = layer_norm(x, p[h + 'ln_1.weight'], p[h + 'ln_1.bias'])
        qkv = a @ p[h + 'attn.c_attn.weight'] + p[h + 'attn.c_attn.bias']
        q, k, v = (t.view(B, T, H, C // H).transpose(1, 2) for t in qkv.split(C, dim=-1))
        s = (q @ k.transpose(-1, -2)) / math.sqrt(C // H)
        s = s.masked_fill(~mask, float('-inf'))
        o = (torch.softmax(s, -1) @ v).transpose(1, 2).reshape(B, T, C)
        x = x + o @ p[h + 'attn.c_proj.weight'] + p[h + 'attn.c_proj.bias']
        m = layer_norm(x, p[h + 'ln_2.weight'], p[h + 'ln_2.bias'])
        m = gelu_new(m @ p[h + 'mlp.c_fc.weight'] + p[h + 'mlp.c_fc.bias'])
        x = x + m @ p[h + 'mlp.c_proj.weight'] + p[h + 'mlp.c_proj.bias']
    x = layer_norm(x, p['ln_f.weight'], p['ln_f.bias'])
    return x @ p['wte.weight'].T


def token_losses(p, c, ids, targets):
    lp = torch.log_softmax(gpt2_logits(p, c, ids), -1)
    return -lp.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def case_gpt2(name, c, B, T, std=0.15):
    d = folder(name)
    p = gpt2_init(c, std)
    dump(os.path.join(d, 'config.json'), dict(c, model_type='gpt2', activation_function='gelu_new', layer_norm_epsilon=1e-5, tie_word_embeddings=True))
    save(os.path.join(d, 'model.safetensors'), p)
    ids = torch.randint(0, c['vocab_size'], (B, T + 1))
    x, y = ids[:, :-1], ids[:, 1:]
    for v in p.values():
        v.requires_grad_(True)
    logits = gpt2_logits(p, c, x)
    losses = token_losses(p, c, x, y)
    losses.mean().backward()
    save(os.path.join(d, 'forward.safetensors'), {'logits': logits, 'token_losses': losses})
    save(os.path.join(d, 'grads.safetensors'), {k: v.grad for k, v in p.items()})
    norm = math.sqrt(sum(float((v.grad ** 2).sum()) for v in p.values()))
    dump(os.path.join(d, 'batch.json'), {'inputs': x.tolist(), 'targets': y.tolist(), 'mean_loss': float(losses.mean()), 'grad_norm': norm})
    case_train(d, c, p, B, T)


def case_train(d, c, p, B, T, steps=20, accum=2):
    """20 AdamW steps as nanoGPT takes them: clip 1.0, decay 0.1 on matrices only, warm-up then cosine."""
    p = {k: v.detach().clone().requires_grad_(True) for k, v in p.items()}
    groups = [{'params': [v for v in p.values() if v.dim() >= 2], 'weight_decay': 0.1},
              {'params': [v for v in p.values() if v.dim() < 2], 'weight_decay': 0.0}]
    opt = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    peak, low, warm = 3e-3, 3e-4, 5
    log, data = [], []
    for s in range(steps):
        lr = peak * (s + 1) / warm if s < warm else low + 0.5 * (peak - low) * (1 + math.cos(math.pi * (s - warm) / (steps - warm)))
        for g in opt.param_groups:
            g['lr'] = lr
        opt.zero_grad()
        total = 0.0
        batch = torch.randint(0, c['vocab_size'], (accum, B, T + 1))
        data.append(batch.tolist())
        for m in range(accum):
            loss = token_losses(p, c, batch[m, :, :-1], batch[m, :, 1:]).mean() / accum
            loss.backward()
            total += float(loss)
        norm = float(torch.nn.utils.clip_grad_norm_(list(p.values()), 1.0))
        opt.step()
        log.append({'step': s + 1, 'lr': lr, 'loss': total, 'grad_norm': norm})
    dump(os.path.join(d, 'train.json'), {'optimizer': 'adamw', 'betas': [0.9, 0.95], 'eps': 1e-8, 'weight_decay': 0.1,
         'decay_on': 'tensors with 2 or more dimensions', 'grad_clip': 1.0, 'micro_batches': accum, 'batches': data, 'log': log})
    save(os.path.join(d, 'trained.safetensors'), p)


# ---------------------------------------------------------------- low-bit AdamW
def dynamic_map(signed, exponent_bits, total_bits):
    """Dynamic tree quantization map (Dettmers et al. 2022, sec. 2.1): sorted values in [-1, 1] or [0, 1]."""
    values = []
    non_sign = total_bits - 1
    for i in range(exponent_bits):
        n = 2 ** (i + non_sign - exponent_bits + (0 if signed else 1)) + 1
        edges = np.linspace(0.1, 1, n)
        means = (edges[:-1] + edges[1:]) / 2 * 10 ** (i - exponent_bits + 1)
        values += list(means) + (list(-means) if signed else [])
    extra = 2 ** (non_sign - exponent_bits) - 1
    if extra > 0:
        edges = np.linspace(0.1, 1, extra + 1)
        means = (edges[:-1] + edges[1:]) / 2
        values += list(means) + (list(-means) if signed else [])
    return np.array(sorted(values + [0.0, 1.0]))


def nearest(x, q):
    """Index of the nearest map value; a tie goes to the lower one."""
    mid = (q[1:] + q[:-1]) / 2
    return np.searchsorted(mid, x, side='left')


class Blockwise:
    """Absmax per block of n consecutive elements of the flattened tensor, then a map."""
    def __init__(self, size, q, keep_sign=False):
        self.size, self.q, self.keep_sign = size, q, keep_sign

    def roundtrip(self, x):
        flat = x.ravel()
        pad = -len(flat) % self.size
        b = np.pad(flat, (0, pad)).reshape(-1, self.size)
        scale = np.abs(b).max(1, keepdims=True)
        n = b / np.where(scale == 0, 1, scale)
        i = nearest(n, self.q)
        if self.keep_sign:                      # a value never comes back with the other sign
            wrong = np.signbit(self.q[i]) != np.signbit(b)
            i = i + np.where(wrong, np.where(b > 0, 1, -1), 0)
        codes = i.ravel()[:len(flat)]
        return (self.q[i] * scale).ravel()[:len(flat)].reshape(x.shape), codes.reshape(x.shape), scale.ravel()


class Rank1:
    """Scale of element (i, j) is min(row max, column max) (Li et al. 2023, sec. 3); matrices only."""
    def __init__(self, q):
        self.q = q

    def roundtrip(self, x):
        r, c = np.abs(x).max(1, keepdims=True), np.abs(x).max(0, keepdims=True)
        s = np.minimum(r, c)
        i = nearest(x / np.where(s == 0, 1, s), self.q)
        return self.q[i] * s, i, np.concatenate([r.ravel(), c.ravel()])


def case_lowbit(name, bits, shapes, steps=20, lr=1e-2, betas=(0.9, 0.95), eps=1e-8, wd=0.1):
    d = folder(name)
    rng = np.random.default_rng(99 + SEED + bits)
    params, final, log = {}, {}, []
    grads = {n: [] for n in shapes}
    state = {}
    map8s, map8u = dynamic_map(True, 7, 8), dynamic_map(False, 7, 8)
    map4s, map4u = dynamic_map(True, 3, 4), np.arange(1, 17) / 16
    for n, shape in shapes.items():
        p = rng.standard_normal(shape).astype(np.float32).astype(np.float64)
        params[n] = p.copy()
        scale = np.exp(rng.standard_normal(shape) * 1.5)       # gradients of very different sizes
        m, v = np.zeros(shape), np.zeros(shape)
        low = p.size >= 4096 if bits == 8 else p.size > 4096
        for t in range(1, steps + 1):
            g = (rng.standard_normal(shape) * scale * 1e-2).astype(np.float32).astype(np.float64)
            grads[n].append(g)
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g * g
            p = p * (1 - lr * wd)
            p = p - lr / (1 - betas[0] ** t) * m / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
            if low:                                             # the update used the exact m and v; what is kept is rounded
                if bits == 8:
                    m, mc, ms = Blockwise(256, map8s, keep_sign=True).roundtrip(m)
                    v, vc, vs = Blockwise(256, map8u).roundtrip(v)
                else:
                    m, mc, ms = Blockwise(128, map4s).roundtrip(m)
                    v, vc, vs = (Rank1(map4u) if len(shape) == 2 else Blockwise(128, map4u)).roundtrip(v)
                state[n] = {'m_codes': mc.astype(np.uint8), 'm_scale': ms, 'v_codes': vc.astype(np.uint8), 'v_scale': vs}
        final[n] = p
        state.setdefault(n, {})
        state[n].update({'m': m, 'v': v})
    save(os.path.join(d, 'params.safetensors'), params)
    save(os.path.join(d, 'grads.safetensors'), {f'{n}.{t + 1}': g for n in shapes for t, g in enumerate(grads[n])})
    save(os.path.join(d, 'expected.safetensors'), {**{f'{n}.param': p for n, p in final.items()},
         **{f'{n}.{k}': a for n, s in state.items() for k, a in s.items()}})
    dump(os.path.join(d, 'settings.json'), {'bits': bits, 'lr': lr, 'betas': betas, 'eps': eps, 'weight_decay': wd, 'steps': steps,
         'quantized': {n: bool(('m_codes' in state[n])) for n in shapes},
         'signed_map': list(map8s if bits == 8 else map4s), 'unsigned_map': list(map8u if bits == 8 else map4u)})


# ---------------------------------------------------------------- HellaSwag scores of a fixed small model
def case_hellaswag(items_path, ids_path, limit):
    """Scores of a small model on the tokenized items in ids_path (made by tokenize.mjs)."""
    c = {'vocab_size': 50257, 'n_positions': 160, 'n_embd': 16, 'n_layer': 2, 'n_head': 2}
    d = folder('hellaswag')
    p = gpt2_init(c, 0.4)
    dump(os.path.join(d, 'config.json'), dict(c, model_type='gpt2', activation_function='gelu_new', layer_norm_epsilon=1e-5, tie_word_embeddings=True))
    save(os.path.join(d, 'model.safetensors'), p)
    items = json.load(open(ids_path))[:limit]
    rows, acc, accn = [], 0, 0
    with torch.no_grad():
        for it in items:
            sums = []
            for cont in it['endings']:
                seq = (it['context'] + cont)[-(c['n_positions'] + 1):]
                ids = torch.tensor([seq])
                ls = token_losses(p, c, ids[:, :-1], ids[:, 1:])[0]
                sums.append(-float(ls[-len(cont):].sum()))
            norm = [s / n for s, n in zip(sums, it['chars'])]
            a, n = int(np.argmax(sums)), int(np.argmax(norm))
            acc += a == it['label']
            accn += n == it['label']
            rows.append({'ind': it['ind'], 'label': it['label'], 'logprob': sums, 'pred': a, 'pred_norm': n})
    dump(os.path.join(d, 'expected.json'), {'items': len(rows), 'acc': acc / len(rows), 'acc_norm': accn / len(rows), 'rows': rows})


if __name__ == '__main__':
    odd = SEED % 7
    case_gpt2('gpt2-tiny', {'vocab_size': 97 + odd, 'n_positions': 32, 'n_embd': 64, 'n_layer': 2, 'n_head': 4}, B=3, T=32)
    case_gpt2('gpt2-odd', {'vocab_size': 61 + odd, 'n_positions': 40, 'n_embd': 40, 'n_layer': 3, 'n_head': 5}, B=2, T=17)
    shapes = {'big_matrix': (130, 129), 'matrix': (64, 96), 'long_vector': (8210,), 'small_matrix': (48, 64), 'vector': (96,)}
    case_lowbit('adamw8bit', 8, shapes)
    case_lowbit('adamw4bit', 4, shapes)
    ids = os.path.join(OUT, 'hellaswag', 'tokens.json')
    if os.path.exists(ids):
        case_hellaswag(None, ids, 1000)
