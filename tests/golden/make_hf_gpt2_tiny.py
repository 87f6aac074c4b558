"""
Makes tests/golden/hf_gpt2_tiny (a folder of transformers' save_pretrained), hf_gpt2_tiny.json
(logits and loss) and hf_gpt2_tiny_gradients.safetensors. Run it in this folder:

    python3 make_hf_gpt2_tiny.py
"""

import json
import platform
import shutil
from pathlib import Path

import safetensors
import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
FOLDER = HERE / "hf_gpt2_tiny"
VOCABULARY = 61
END = "<|endoftext|>"
CORPUS = (
    "the whale and the sea and the ship that sailed the sea after the whale\n"
    "call him what they will, the old man was at the helm and held her to the wind\n"
)


def main():
    torch.manual_seed(11)
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=16,
        n_embd=16,
        n_layer=2,
        n_head=4,
        bos_token_id=0,
        eos_token_id=0,
    )
    config._attn_implementation = "eager"
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            middle = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
            noise = torch.empty_like(value).uniform_(-0.4, 0.4)
            value.copy_(middle + torch.round(noise * 64) / 64)
    shutil.rmtree(FOLDER, ignore_errors=True)
    model.save_pretrained(FOLDER)
    save_tokenizer()

    ids = torch.randint(0, VOCABULARY, (2, 17))
    model.double()
    logits = model(ids[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1)
    )
    loss.backward()
    gradients = {
        name: value.grad.to(torch.float32).contiguous()
        for name, value in model.named_parameters()
    }
    save_file(gradients, HERE / "hf_gpt2_tiny_gradients.safetensors", {"format": "pt"})
    golden = {
        "about": "transformers.GPT2LMHeadModel of hf_gpt2_tiny in float64 on the CPU with eager "
        "attention; parameters uniform in [-0.4, 0.4) (gains around 1), rounded to 1/64; the loss "
        "is the mean cross-entropy of ids[:, 1:] given ids[:, :-1]; gradients by loss.backward(), "
        "rounded to float32; made by make_hf_gpt2_tiny.py",
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
        "python": platform.python_version(),
        "ids": ids.tolist(),
        "loss": loss.item(),
        "logits": {
            "shape": list(logits.shape),
            "data": [float(f"{x:.9g}") for x in logits.flatten().tolist()],
        },
    }
    (HERE / "hf_gpt2_tiny.json").write_text(json.dumps(golden) + "\n")


def save_tokenizer():
    """A byte-level BPE in both forms, tokenizer.json and vocab.json with merges.txt."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], show_progress=False
    )
    tokenizer.train_from_iterator([CORPUS], trainer)
    assert tokenizer.get_vocab_size() == VOCABULARY
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    tokenizer.model.save(str(FOLDER))


main()
