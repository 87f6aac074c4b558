"""What the scripts of this folder share: random parameters, and files of golden numbers."""

import copy
import json
import platform
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).parent


def numbers(tensor):
    return {
        "shape": list(tensor.shape),
        "data": [float(f"{x:.9g}") for x in tensor.flatten().tolist()],
    }


def randomise(model, is_gain):
    """Uniform in [-0.4, 0.4), gains around 1, rounded to 1/64: exact in float16 and bfloat16."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.empty_like(value).uniform_(-0.4, 0.4)
            value.copy_((1.0 if is_gain(name) else 0.0) + torch.round(noise * 64) / 64)


def save_model(name, model, dtype=torch.float32, **options):
    """Saves a copy of the model in a dtype as the folder `name`."""
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    # A copy, since frequencies of rotary positions would be rounded to the dtype as well.
    copy.deepcopy(model).to(dtype).save_pretrained(folder, **options)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return folder


def save_golden(folder, model, loss, about, named=dict.items, **values):
    """
    Writes golden.json, and the gradients of the loss in gradients.safetensors; `named`: gives their
    names and values there.
    """
    loss.backward()
    gradients = {
        name: value.grad.to(torch.float32).contiguous()
        for name, value in model.named_parameters()
        if value.grad is not None
    }
    save_file(dict(named(gradients)), folder / "gradients.safetensors", {"format": "pt"})
    golden = {
        "about": f"transformers.{type(model).__name__} in float64 on the CPU with eager attention; "
        "parameters uniform in [-0.4, 0.4) (gains around 1), rounded to 1/64; " + about,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        **values,
        "loss": loss.item(),
    }
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
