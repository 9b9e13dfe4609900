"""Times training steps of GPT-2 in PyTorch and prints one line of JSON.

`trainyard bench --pytorch PYTHON` runs it beside its own steps; it can be run for itself, too:

    python pytorch_gpt2.py --batch 12 --time 1024 --precision bf16
    python pytorch_gpt2.py --cpu --threads 2 --batch 1 --time 1024 --precision f32

It is the usual way to train GPT-2 fast in PyTorch (as nanoGPT does): torch.compile, scaled_dot_product_attention with
its causal kernels, fused AdamW over float32 weights, autocast in 16 bits, a loss scale in float16, a vocabulary padded
to a multiple of 64. A step is one micro-batch forward and backward, the clipping of its gradients and the update.
"""

import argparse
import json
import platform
import statistics
import sys
import time


def give_up(why):
    print(json.dumps({"error": why}))
    sys.exit(1)


try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    give_up(f"PyTorch can't be imported by {sys.executable}: {error}")


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.c_attn(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, vocab, context, layers, heads, width):
        super().__init__()
        self.wte = nn.Embedding(vocab, width)
        self.wpe = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                std = 0.02 / (2 * layers) ** 0.5 if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(p, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


class Step:
    """A training step, as often as it is called."""

    def __init__(self, args):
        padded = -(-args.vocab // 64) * 64
        torch.manual_seed(1)
        self.device = "cpu" if args.cpu else "cuda"
        self.model = Gpt2(padded, args.time, args.layers, args.heads, args.width).to(self.device)
        self.forward = self.model
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)
        self.dtype = {"f32": None, "bf16": torch.bfloat16, "f16": torch.float16}[args.precision]
        scaler = torch.amp.GradScaler if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler
        self.scaler = scaler(enabled=args.precision == "f16")
        tokens = torch.randint(args.vocab, (args.batch, args.time + 1), device=self.device)
        self.tokens, self.targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def __call__(self):
        with torch.autocast(self.device, dtype=self.dtype or torch.bfloat16, enabled=self.dtype is not None):
            loss = self.forward(self.tokens, self.targets)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)


def compiled_or_not(step, wanted):
    """Compiles the model where that can be done. Returns why it was not, or None."""
    if not wanted:
        return "it was not asked for"
    try:
        step.forward = torch.compile(step.model)
        step()
        wait(step)
        return None
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # There are many: no C compiler, no Triton, a GPU that it does not know.
        torch._dynamo.reset()
        step.forward = step.model
        step.optimizer.zero_grad(set_to_none=True)
        return f"{type(error).__name__}: {error}".split("\n")[0]


IN_A_ROW = 4


def wait(step):
    """Until the device has done what it was given."""
    if step.device == "cuda":
        torch.cuda.synchronize()


def status(field):
    """Bytes of this process, by Linux: VmRSS now, VmHWM at most. Elsewhere 0."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    except (OSError, StopIteration):
        return 0


def forget_peak(step):
    """Has the most that was held counted anew."""
    if step.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def measure(step, rounds):
    """Seconds of one step: the median over the rounds, of some steps in a row each."""
    in_a_row = IN_A_ROW if step.device == "cuda" else 1
    for _ in range(3):
        step()
    wait(step)
    forget_peak(step)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(in_a_row):
            step()
        wait(step)
        seconds.append((time.perf_counter() - start) / in_a_row)
    return statistics.median(seconds)


def parse():
    parser = argparse.ArgumentParser(description="Time training steps of GPT-2 in PyTorch.")
    parser.add_argument("--check", action="store_true", help="only say which PyTorch and which GPU there is")
    parser.add_argument("--gpu", type=int, default=0, help="which GPU, as CUDA counts them")
    parser.add_argument("--cpu", action="store_true", help="on the processor")
    parser.add_argument("--threads", type=int, default=0, help="with --cpu: threads (PyTorch's own choice)")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--vocab", type=int, default=50257)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--time", type=int, default=1024, help="tokens of a sequence")
    parser.add_argument("--precision", choices=["f32", "bf16", "f16"], default="bf16")
    parser.add_argument("--tf32", action="store_true", help="of f32: products by tensor cores; in 16 bits always")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    return parser.parse_args()


def main():
    args = parse()
    if args.cpu:
        if args.threads > 0:
            torch.set_num_threads(args.threads)
        threads = torch.get_num_threads()
        found = {"torch": torch.__version__, "gpu": f"the processor ({platform.machine()}), {threads} thread{'s' if threads > 1 else ''}"}
    else:
        if not torch.cuda.is_available():
            give_up(f"PyTorch {torch.__version__} finds no GPU that it can use")
        torch.cuda.set_device(args.gpu)
        found = {"torch": torch.__version__, "gpu": torch.cuda.get_device_name()}
    if args.check:
        print(json.dumps(found))
        return
    torch.set_float32_matmul_precision("high" if args.tf32 or args.precision != "f32" else "highest")
    torch.backends.cudnn.allow_tf32 = args.tf32 or args.precision != "f32"
    before = status("VmRSS")
    try:
        step = Step(args)
        reason = compiled_or_not(step, not args.no_compile)
        seconds = measure(step, args.rounds)
    except torch.cuda.OutOfMemoryError:
        give_up("it does not fit in PyTorch: out of memory")
    result = {
        **found,
        "tokensPerSecond": args.batch * args.time / seconds,
        "seconds": seconds,
        # Of a process on the processor: what it holds at most beyond what it held with PyTorch imported.
        "peakBytes": max(0, status("VmHWM") - before) if args.cpu else torch.cuda.max_memory_allocated(),
        "reservedBytes": status("VmHWM") if args.cpu else torch.cuda.max_memory_reserved(),
        "compiled": reason is None,
    }
    if reason is not None:
        result["reason"] = reason
    print(json.dumps(result))


if __name__ == "__main__":
    main()
