"""
Makes scores.json: BLEU and chrF of texts by sacrebleu, alone and together. Run it in this folder:

    python3 make_scores.py
"""

import json
from pathlib import Path

import sacrebleu

TEXTS = [
    ("The whale swam out to sea.", ["The whale swam out to sea.", "A whale swims in the sea."]),
    ("He said: \"wait, for 3.5 hours -- or 1,000\"!", ["He said: wait for 3.5 hours, or 1,000."]),
    ("the the the the the the the", ["The cat is on the mat.", "There is a cat on the mat."]),
    ("well-known e.g. 20-30% &amp; &lt;b&gt; don't", ["a well-known case, e.g. 20-30% & <b>, don't"]),
    ("Fünf große Häuser stehen — am Fluß…", ["Fünf große Häuser stehen am Fluss."]),
    ("HH AH L OW", ["HH EH L OW", "HH AH L OW W"]),
    ("", ["Nothing was said."]),
    ("x", ["y"]),
    ("It was the best of times, it was the worst of times.",
     ["It was the best of times; it was the worst of times, it was the age of wisdom."]),
]


def references(chosen):
    """As sacrebleu takes them: lists of the first, second, ... reference of each text."""
    most = max(len(refs) for _, refs in chosen)
    return [[refs[i] if i < len(refs) else None for _, refs in chosen] for i in range(most)]


def scores(chosen):
    texts, refs = [text for text, _ in chosen], references(chosen)
    return {
        "bleu": sacrebleu.corpus_bleu(texts, refs).score,
        "chrf": sacrebleu.corpus_chrf(texts, refs).score,
    }


def main():
    golden = {
        "about": "sacrebleu.corpus_bleu and corpus_chrf by default; made by make_scores.py",
        "sacrebleu": sacrebleu.__version__,
        "texts": [
            {"text": text, "references": refs, **scores([(text, refs)])} for text, refs in TEXTS
        ],
        "all": scores(TEXTS),
    }
    (Path(__file__).parent / "scores.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
