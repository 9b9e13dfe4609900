"""Makes own.json beside it: a byte-level BPE of its own, and what Hugging Face's tokenizers make of texts with it.

    pip install tokenizers==0.23.3
    python tests/exchange/huggingFace/reference/own.py
"""
import json, os, tokenizers
from tokenizers import ByteLevelBPETokenizer, Tokenizer

# Word by word, so that nothing has to be fetched.
words = "ahoj svět kočka sedí na okně a dívá se ven kde prší déšť padá na střechu domu the cat sat on the mat".split()
text = [" ".join(words[(i * i * 7 + 3 * i + j) % len(words)] for j in range(12)) + "." for i in range(400)]
trainer = ByteLevelBPETokenizer()
trainer.train_from_iterator(text, vocab_size=420, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<|user|>"], show_progress=False)
whole = json.loads(trainer.to_str())
own = Tokenizer.from_str(json.dumps(whole))

texts = [
    "ahoj svět", "kočka sedí na okně.", "the cat sat on the mat", "A\u0085\ufeffB  c\n\n\u001cd", "naïve 漢字 👍🏽 ﷺ",
    "<|user|>ahoj<|user|>", "a <pad> b<pad><pad>", "x" * 130 + " " * 40 + "déšť" * 40, "", " ", "don't we'll I'VE", "\u0000\u00ad\u2028",
]
cases = [{"text": t, "ids": own.encode(t, add_special_tokens=False).ids} for t in texts]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "own.json"), "w") as f:
    json.dump({"tokenizers": tokenizers.__version__, "whole": whole, "cases": cases}, f, ensure_ascii=True)
    f.write("\n")
