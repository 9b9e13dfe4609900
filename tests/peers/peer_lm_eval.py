"""lm-evaluation-harness scores HellaSwag, item by item, with its own prompts and its own model class. FOLDER ITEMS.jsonl."""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import datasets
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks.hellaswag.utils import process_docs

folder = Path(sys.argv[1])
ours = json.loads((folder / "ours.json").read_text())["hellaswag"]
lines = Path(sys.argv[2]).read_text().splitlines()[: len(ours)]
docs = process_docs(datasets.Dataset.from_list([json.loads(line) for line in lines]))
model = HFLM(pretrained=str(folder / "f32"), dtype="float32", device="cpu", batch_size=16)
requests = [
    Instance(request_type="loglikelihood", doc=doc, arguments=(doc["query"], " " + choice), idx=k)
    for doc in docs
    for k, choice in enumerate(doc["choices"])
]
theirs = [logprob for logprob, _ in model.loglikelihood(requests, disable_tqdm=True)]
worst, answers, normed = 0.0, 0, 0


def best(values):
    return max(range(len(values)), key=lambda i: (values[i], -i))


for i, (doc, mine) in enumerate(zip(docs, ours)):
    row = theirs[4 * i : 4 * i + 4]
    worst = max(worst, max(abs(a - b) for a, b in zip(row, mine["logprobs"])))
    lengths = [len(choice) for choice in doc["choices"]]
    assert lengths == mine["characters"] and int(doc["gold"]) == mine["label"]
    answers += best(row) == best(mine["logprobs"])
    normed += best([a / n for a, n in zip(row, lengths)]) == best([a / n for a, n in zip(mine["logprobs"], lengths)])
n = len(ours)
print(json.dumps({"what": f"log-likelihoods of {4 * n} endings of HellaSwag, largest difference", "found": f"{worst:.1e} nats", "ok": worst < 1e-3}))
print(json.dumps({"what": "answers by log-likelihood (acc)", "found": f"{answers} of {n} the same", "ok": answers == n}))
print(json.dumps({"what": "answers by log-likelihood a character (acc_norm)", "found": f"{normed} of {n} the same", "ok": normed == n}))
print(json.dumps({"versions": {"lm-eval": version("lm_eval")}}))
