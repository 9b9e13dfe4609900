"""Makes electron/data/tokenizers/bpe/classTable.ts: what GPT-2's pattern takes for a letter, a number and a space.

The classes are read off tiktoken, the library of GPT-2's authors, code point by code point, and Hugging Face's
tokenizers must agree with each of them. (GPT-2's first encoder used Python's `regex`, which knows the same white space;
its letters and numbers are those of whatever version of Unicode is installed.)

    pip install tiktoken==0.14.0 tokenizers==0.23.3
    python tests/data/tokenizers/bpe/reference/classes.py
"""
import hashlib, os, tiktoken, tokenizers
from tokenizers import Regex, pre_tokenizers

code_points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
bytes_alone = {bytes([b]): b for b in range(256)}


def by_tiktoken(pattern):
    # What no match covers leaves no token.
    encoding = tiktoken.Encoding("class", pat_str=pattern, mergeable_ranks=bytes_alone, special_tokens={}, explicit_n_vocab=256)
    return {c for c in code_points if encoding.encode_ordinary(chr(c))}


def by_tokenizers(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return {c for c in code_points if not split.pre_tokenize_str(chr(c))}


def base36(n):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[n] if n < 36 else base36(n // 36) + digits[n % 36]


def table(members):
    """Lengths of what is outside and inside in turn, from code point 0 on."""
    lengths, inside, begin = [], False, 0
    for c in range(0x110001):
        if (c in members) != inside:
            lengths.append(c - begin)
            inside, begin = not inside, c
    return " ".join(base36(n) for n in lengths)


classes = {}
for name, pattern in [("letter", r"\p{L}"), ("number", r"\p{N}"), ("space", r"\s")]:
    classes[name] = by_tiktoken(pattern)
    assert classes[name] == by_tokenizers(pattern), f"the libraries disagree on {pattern}"

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "../../../../electron/data/tokenizers/bpe/classTable.ts"), "w") as f:
    f.write("/*\n * Made by tests/data/tokenizers/bpe/reference/classes.py from tiktoken " + tiktoken.__version__)
    f.write(" and tokenizers " + tokenizers.__version__ + ", which agree.\n")
    f.write(" * Lengths, in base 36, of what is outside and inside of a class in turn, from code point 0 on.\n */\n")
    for name, members in classes.items():
        f.write(f"\nexport const {name}s =\n  '{table(members)}';\n")

number_of = lambda c: next((i + 1 for i, n in enumerate(["letter", "number", "space"]) if c in classes[n]), 4)
of_each = bytes(number_of(c) for c in range(0x110000))
print({n: len(m) for n, m in classes.items()}, "sha256 of all classes:", hashlib.sha256(of_each).hexdigest())
