"""
Makes tests/golden/optimizers/torch_optimizers.json: parameters after 1 and 20 steps of torch.optim's SGD, AdamW
and Muon and of lion_pytorch's Lion, in float64, on gradients that a formula gives. Run it in this
folder:

    pip install torch lion-pytorch
    python3 make_torch_optimizers.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from lion_pytorch import Lion

HERE = Path(__file__).parent
STEPS = 20
SHAPES = {"wide": (6, 10), "tall": (12, 5), "bias": (7,)}
MATRICES = ["wide", "tall"]
MASK = 2**32 - 1

# The config of each case. `clip` is the largest global norm, 0 for none.
CASES = {
    "sgd": {"kind": "sgd", "momentum": 0.9, "nesterov": False},
    "sgd_nesterov": {"kind": "sgd", "momentum": 0.8, "nesterov": True, "clip": 1},
    "sgd_plain": {"kind": "sgd", "momentum": 0, "nesterov": False, "clip": 1},
    "lion": {"kind": "lion", "beta1": 0.9, "beta2": 0.99},
    "lion_clipped": {"kind": "lion", "beta1": 0.95, "beta2": 0.98, "clip": 1},
    "muon": {"kind": "muon", "momentum": 0.95, "nesterov": True, "adamw_lr": 0.003},
    "muon_clipped": {"kind": "muon", "momentum": 0.9, "nesterov": False, "adamw_lr": 0.01, "clip": 1},
}
COMMON = {"lr": 0.02, "weight_decay": 0.1, "clip": 0}
ADAM = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8}


def number(step, parameter, i):
    """A value in [-0.5, 0.5) with 16 bits: a hash of its place."""
    x = (i * 2654435761 + step * 40503 + parameter * 97 + 1) & MASK
    x = ((x ^ (x >> 15)) * 2246822519) & MASK
    x = ((x ^ (x >> 13)) * 3266489917) & MASK
    return (x >> 16) / 65536 - 0.5


def values(step, parameter, shape):
    size = torch.Size(shape).numel()
    flat = [number(step, parameter, i) for i in range(size)]
    return torch.tensor(flat, dtype=torch.float64).reshape(shape)


def optimizers(config, params):
    lr, decay = config["lr"], config["weight_decay"]
    every = list(params.values())
    if config["kind"] == "sgd":
        momentum, nesterov = config["momentum"], config["nesterov"]
        return [torch.optim.SGD(every, lr, momentum, weight_decay=decay, nesterov=nesterov)]
    betas = (config["beta1"], config["beta2"])
    if config["kind"] == "lion":
        return [Lion(every, lr, betas, weight_decay=decay)]
    matrices = [params[name] for name in MATRICES]
    others = [param for name, param in params.items() if name not in MATRICES]
    muon = torch.optim.Muon(
        matrices, lr, decay, momentum=config["momentum"], nesterov=config["nesterov"]
    )
    # AdamW's decay is multiplied by its own learning rate.
    return [muon, torch.optim.AdamW(others, config["adamw_lr"], betas, config["eps"], decay)]


def trajectory(config):
    params = {
        name: torch.nn.Parameter(values(99, k, shape))
        for k, (name, shape) in enumerate(SHAPES.items())
    }
    steppers = optimizers(config, params)
    after = {}
    for step in range(STEPS):
        for k, (name, param) in enumerate(params.items()):
            param.grad = values(step, k, SHAPES[name])
        if config["clip"] > 0:
            torch.nn.utils.clip_grad_norm_(params.values(), config["clip"])
        for stepper in steppers:
            stepper.step()
        if step + 1 in (1, STEPS):
            after[step + 1] = {
                name: [round(x, 12) for x in param.detach().flatten().tolist()]
                for name, param in params.items()
            }
    return after


def main():
    # Muon's iteration rounds to bfloat16. Here it stays in float64.
    torch.Tensor.bfloat16 = lambda self: self.clone()
    cases = {}
    for name, case in CASES.items():
        config = {**COMMON, **(ADAM if case["kind"] == "muon" else {}), **case}
        cases[name] = {"config": config, "after": trajectory(config)}
    made = {
        "source": "tests/golden/optimizers/make_torch_optimizers.py",
        "versions": {name: version(name) for name in ["torch", "lion-pytorch"]},
        "shapes": SHAPES,
        "cases": cases,
    }
    text = json.dumps(made, separators=(",", ":"))
    (HERE / "torch_optimizers.json").write_text(text + "\n")


main()
