"""
Makes tests/golden/exported_*.json: what Python reads in folders that Shoal exported, and the logits
that transformers and PyTorch give. Run it in the repository:

    deno run -A tests/exchange/models.ts /tmp/exported
    python3 tests/golden/make_exported.py /tmp/exported
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


def main(root):
    for folder in sorted(Path(root).iterdir()):
        config = json.loads((folder / "config.json").read_text())
        size, length = config["vocab_size"], config.get("context") or config["n_positions"]
        ids = torch.randint(0, size, (2, length), generator=torch.Generator().manual_seed(5))
        if config["model_type"] == "gpt2":
            model = transformers.GPT2LMHeadModel.from_pretrained(folder)
            about = "transformers.GPT2LMHeadModel.from_pretrained"
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
        (HERE / f"exported_{folder.name}.json").write_text(text + "\n")


main(sys.argv[1])
