"""
Makes tests/golden/exported/*.json: what Python reads in folders that Shoal exported, and the logits
that transformers and PyTorch give. Run it in the repository:

    deno run -A tests/exchange/models.ts /tmp/exported
    python3 tests/golden/exported/make_exported.py /tmp/exported
"""

import hashlib
import importlib.util
import json
import platform
import sys
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

warnings.simplefilter("error")
HERE = Path(__file__).parent


def length_of(config):
    keys = ("context", "n_positions", "max_position_embeddings")
    return next(config[key] for key in keys if key in config)


def main(root):
    for folder in sorted(Path(root).iterdir()):
        config = json.loads((folder / "config.json").read_text())
        size, length = config["vocab_size"], length_of(config)
        ids = torch.randint(0, size, (2, length), generator=torch.Generator().manual_seed(5))
        if "architectures" in config:
            kind = config["architectures"][0]
            options = dict(attn_implementation="eager", experts_implementation="eager")
            model = getattr(transformers, kind).from_pretrained(folder, **options)
            about = f"transformers.{kind}.from_pretrained"
            logits = model.double()(ids).logits
        else:
            spec = importlib.util.spec_from_file_location("model", folder / "model.py")
            page = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(page)
            about = "load() of the model.py that was exported"
            logits, _ = page.load(folder).double()(ids)
        tensors = load_file(folder / "model.safetensors")
        golden = {
            "about": f"{about}, in float64 on the CPU; made by make_exported.py",
            "transformers": transformers.__version__,
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
            "tensors": {
                name: {
                    "shape": list(value.shape),
                    "sha256": hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest(),
                }
                for name, value in sorted(tensors.items())
            },
            "ids": ids.tolist(),
            "logits": {
                "shape": list(logits.shape),
                "data": [float(f"{x:.9g}") for x in logits.flatten().tolist()],
            },
        }
        text = json.dumps(golden)
        (HERE / f"{folder.name}.json").write_text(text + "\n")


main(sys.argv[1])
