"""
Makes tests/golden/tokenizer_unknown.json: tokenizers whose trainer registered the tokens of bytes as
special, and word tokenizers with a token for unknown words, with what Python's `tokenizers` encodes
and decodes with them. Run it in the repository:

    python3 tests/golden/make_tokenizer_unknown.py
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXT = ["the whale is a fish and the sea is wide", "a ship sailed over the sea"] * 20
STRINGS = ["the whale", "naïve café 🐋", "日本 the 日本", "a\ttab", "x\u0000y", "über, the sea!", ""]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def metaspace(tokenizer):
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(parts)
    return tokenizer


def byte_pairs():
    tokenizer = metaspace(Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True)))
    special = ["<unk>", "<s>", "</s>", *BYTES]
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=300, special_tokens=special))
    return tokenizer


def unigram():
    tokenizer = metaspace(Tokenizer(models.Unigram()))
    special = ["<unk>", "</s>", *BYTES]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(TEXT, trainer)
    value = json.loads(tokenizer.to_str())
    value["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(value))


def words(unknown, special):
    tokenizer = Tokenizer(models.WordLevel(unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(special_tokens=special)
    tokenizer.train_from_iterator([*TEXT, *[unknown] * (not special)], trainer)
    return tokenizer


def made(name, tokenizer):
    value = json.loads(tokenizer.to_str())
    tokenizer.encode_special_tokens = True
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in STRINGS]
    keys = ("id", "content", "special")
    value["added_tokens"] = [{key: token[key] for key in keys} for token in value["added_tokens"]]
    texts = [tokenizer.decode(row, skip_special_tokens=False) for row in ids]
    return {"name": name, "tokenizer": value, "ids": ids, "texts": texts}


everything = {
    "about": __doc__.strip().splitlines()[0],
    "tokenizers": tokenizers.__version__,
    "strings": STRINGS,
    "made": [
        made("byte pairs", byte_pairs()),
        made("unigram", unigram()),
        made("words", words("[UNK]", ["[UNK]"])),
        made("words whose unknown one is a plain token", words("unk", [])),
    ],
}
path = Path(__file__).parent / "tokenizer_unknown.json"
path.write_text(json.dumps(everything, ensure_ascii=False, separators=(",", ":")) + "\n")
