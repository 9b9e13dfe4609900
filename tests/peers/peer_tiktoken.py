"""tiktoken splits and merges texts as we do. FOLDER: what ours.ts wrote. GPT-2's vocabulary is that of the export where tiktoken's can't be fetched."""
import json
import sys
from pathlib import Path

import tiktoken

folder = Path(sys.argv[1])
ours = json.loads((folder / "ours.json").read_text())["texts"]


def from_export():
    """tiktoken's own GPT-2 pattern and merging over the vocabulary that the export has."""
    shown = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    byte_of = {chr(b): b for b in shown}
    byte_of.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in shown)})
    vocab = json.loads((folder / "f32" / "vocab.json").read_text())
    ranks = {bytes(byte_of[c] for c in token): rank for token, rank in vocab.items() if token != "<|endoftext|>"}
    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
    return tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})


try:
    encoding, whose = tiktoken.get_encoding("gpt2"), "its own vocabulary"
except Exception:  # No network: requests, urllib3 and ssl each have their own.
    encoding, whose = from_export(), "the vocabulary of an export"
same = sum(encoding.encode_ordinary(row["text"]) == row["tokens"] for row in ours)
total = sum(len(row["tokens"]) for row in ours)
print(json.dumps({"what": f"GPT-2's tokens of {len(ours)} texts, {total} tokens, with {whose}", "found": f"{same} texts the same", "ok": same == len(ours)}))
print(json.dumps({"versions": {"tiktoken": tiktoken.__version__}}))
