"""Hugging Face transformers loads every export: the same logits, the same greedy text. FOLDER: what ours.ts wrote."""
import json
import sys
from pathlib import Path

import numpy
import torch
import transformers

folder = Path(sys.argv[1])
ours = json.loads((folder / "ours.json").read_text())
worst, same, texts = {}, {}, 0
models = {}
for case in ours["cases"]:
    dtype = case["dtype"]
    if dtype not in models:
        # Computed in float32 from the weights as they were stored: what differs then is the reading, and no rounding.
        model = transformers.AutoModelForCausalLM.from_pretrained(folder / dtype).float().eval()
        models[dtype] = model, transformers.AutoTokenizer.from_pretrained(folder / dtype)
    model, tokenizer = models[dtype]
    tokens = tokenizer(case["prompt"])["input_ids"]
    assert tokens == case["tokens"], (case["prompt"], tokens, case["tokens"])
    ids = torch.tensor([tokens])
    with torch.no_grad():
        theirs = model(ids).logits[0].numpy()
        written = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=len(case["greedy"]), eos_token_id=None, pad_token_id=0)
    mine = numpy.fromfile(folder / case["logits"], dtype="<f4").reshape(len(tokens), -1)[:, : theirs.shape[1]]
    worst[dtype] = max(worst.get(dtype, 0.0), float(numpy.abs(mine - theirs).max() / numpy.abs(theirs).max()))
    greedy = written[0, len(tokens) :].tolist()
    same[dtype] = same.get(dtype, 0) + int(greedy == case["greedy"] and tokenizer.decode(greedy) == case["text"])
    texts += 1
prompts = texts // len(models)
for dtype in models:
    print(json.dumps({"what": f"logits of an export in {dtype}, largest difference", "found": f"{worst[dtype]:.1e} of the largest logit", "ok": worst[dtype] < 1e-5}))
    print(json.dumps({"what": f"greedy text of an export in {dtype}", "found": f"{same[dtype]} of {prompts} the same", "ok": same[dtype] == prompts}))
print(json.dumps({"versions": {"transformers": transformers.__version__, "torch": torch.__version__}}))
