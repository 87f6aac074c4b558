"""
Makes tests/golden/convolution/torch_model_*.json: what Python reads in folders of convolutional
networks that Shoal exported, and the loss and the gradients that PyTorch gives there. Run it in the
repository:

    deno run -A tests/exchange/convolutions.ts /tmp/exported
    python3 tests/golden/convolution/make_torch_models.py /tmp/exported
"""

import hashlib
import importlib.util
import json
import platform
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent
BATCH = 3
# Height and width of the images of a network.
IMAGES = {"lenet": (10, 9), "lenet_flat": (5, 6)}


def numbers(x):
    return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}


def main(root):
    for folder in sorted(Path(root).iterdir()):
        spec = importlib.util.spec_from_file_location("model", folder / "model.py")
        page = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(page)
        config = json.loads((folder / "config.json").read_text())
        generator = torch.Generator().manual_seed(3)
        if folder.name in IMAGES:
            sizes = (BATCH, 1, *IMAGES[folder.name])
            x = torch.randint(0, 256, sizes, generator=generator).double() / 256
        else:
            sizes = (BATCH, config["context"])
            x = torch.randint(0, config["vocab_size"], sizes, generator=generator)
        targets = torch.randint(0, config["classes"], (BATCH,), generator=generator)
        model = page.load(folder).double()
        loss = torch.nn.functional.cross_entropy(model(x), targets)
        loss.backward()
        tensors = load_file(folder / "model.safetensors")
        golden = {
            "about": "load() of the model.py that was exported, in float64 on the CPU; cross-entropy; "
            "made by make_torch_models.py",
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
            "tensors": {
                name: {
                    "shape": list(value.shape),
                    "sha256": hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest(),
                }
                for name, value in sorted(tensors.items())
            },
            "x": numbers(x),
            "targets": targets.tolist(),
            "loss": loss.item(),
            "gradients": {name: numbers(p.grad) for name, p in model.named_parameters()},
        }
        (HERE / f"torch_model_{folder.name}.json").write_text(json.dumps(golden) + "\n")


main(sys.argv[1])
