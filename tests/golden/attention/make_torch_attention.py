"""
Makes tests/golden/attention/torch_attention.json: attention of PyTorch, values and gradients, for each kind of
mask, head layout and score bias. Run it in this folder:

    python3 make_torch_attention.py

All is in f64 on the CPU. q [B, Tq, H d], k [B, Tk, Hkv d] and v [B, Tk, Hkv Dv] are uniform in
[-2, 2), rounded to 1/64; the loss sums y [B, Tq, H Dv] times its weighting, uniform in [-1, 1),
rounded to 1/64; results are rounded to 13 decimals. Masks other than a causal one alone are boolean matrices, made here from their
definition, and biases of ALiBi are additive matrices.
"""

import json
import math
import platform
from pathlib import Path

import torch
from torch.nn.functional import scaled_dot_product_attention

HERE = Path(__file__).parent

# B, Tq, Tk, H, Hkv, d, Dv
OWN = {"B": 2, "Tq": 5, "Tk": 5, "H": 2, "Hkv": 2, "d": 3, "Dv": 3}
CROSS = {**OWN, "Tk": 7}
DOCUMENTS = [[0, 0, 2, 2, 2], [0, 1, 1, 1, 4]]

CASES = {
    "full": OWN,
    "causal": {**OWN, "causal": True},
    "causal_divisor": {**OWN, "causal": True, "divisor": 4.0},
    "causal_starts": {**OWN, "causal": True, "starts": DOCUMENTS},
    "causal_window": {**OWN, "causal": True, "window": 2},
    "causal_lengths": {**OWN, "causal": True, "lengths": [3, 5]},
    "window": {**OWN, "window": 2},
    "lengths": {**OWN, "lengths": [4, 0]},
    "segments": {**OWN, "segments": [[1, 1, 2, 2, 1], [0, 0, 0, 3, 3]]},
    "values": {**OWN, "Dv": 4, "causal": True},
    "grouped": {**OWN, "H": 4, "causal": True},
    "multi_query": {**OWN, "H": 4, "Hkv": 1, "d": 4, "Dv": 4},
    "alibi": {**OWN, "H": 4, "Hkv": 4, "d": 2, "Dv": 2, "causal": True, "alibi": True},
    "alibi_odd": {**OWN, "H": 3, "Hkv": 3, "d": 2, "Dv": 2, "alibi": True},
    "cross": CROSS,
    "cross_lengths": {**CROSS, "lengths": [7, 2]},
    "cross_longer": {**CROSS, "Tq": 6, "Tk": 3, "window": 2},
    "cross_segments": {
        **CROSS,
        "segments": [[0, 0, 1, 1, 2], [5, 5, 5, 6, 6]],
        "key_segments": [[0, 1, 1, 1, 0, 0, 3], [6, 5, 6, 5, 6, 5, 7]],
    },
    "cross_grouped": {
        **CROSS,
        **{"H": 4, "d": 2, "window": 4, "alibi": True, "divisor": 2.0, "lengths": [6, 5]},
        "segments": [[0, 0, 1, 1, 0], [1, 1, 1, 1, 1]],
        "key_segments": [[0, 1, 1, 0, 0, 0, 1], [1, 0, 1, 0, 1, 1, 1]],
    },
}


def slopes(heads):
    """Slopes as in the code of the authors of ALiBi, which takes every second of twice as many."""

    def of_power(n):
        start = 2 ** (-(2 ** -(math.log2(n) - 3)))
        return [start * start**i for i in range(n)]

    if math.log2(heads).is_integer():
        return of_power(heads)
    closest = 2 ** math.floor(math.log2(heads))
    return of_power(closest) + slopes(2 * closest)[0::2][: heads - closest]


def allowed(case):
    """Boolean [B, 1, Tq, Tk]: whether query i attends to key j."""
    rows = []
    for b in range(case["B"]):
        for i in range(case["Tq"]):
            for j in range(case["Tk"]):
                met = not case.get("causal") or j <= i
                if "window" in case:
                    met = met and abs(i - j) < case["window"]
                if "starts" in case:
                    met = met and j >= case["starts"][b][i]
                if "lengths" in case:
                    met = met and j < case["lengths"][b]
                if "segments" in case:
                    keys = case.get("key_segments", case["segments"])
                    met = met and case["segments"][b][i] == keys[b][j]
                rows.append(met)
    return torch.tensor(rows).view(case["B"], 1, case["Tq"], case["Tk"])


def bias(case):
    """f64 [1, H, Tq, Tk]: -slope |i - j|."""
    distance = (torch.arange(case["Tq"])[:, None] - torch.arange(case["Tk"])[None]).abs().double()
    return -torch.tensor(slopes(case["H"]), dtype=torch.float64).view(1, -1, 1, 1) * distance


def numbers(tensor):
    data = [round(number, 13) for number in tensor.detach().flatten().tolist()]
    return {"shape": list(tensor.shape), "data": data}


def uniform(shape, bound):
    return (torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound) * 64).floor() / 64


def made(case):
    b, tq, tk, h, hkv, d, dv = (case[key] for key in ["B", "Tq", "Tk", "H", "Hkv", "d", "Dv"])
    given = {
        "q": uniform([b, tq, h * d], 2.0).requires_grad_(),
        "k": uniform([b, tk, hkv * d], 2.0).requires_grad_(),
        "v": uniform([b, tk, hkv * dv], 2.0).requires_grad_(),
    }

    def heads(name, count, width):
        tensor = given[name]
        return tensor.view(b, tensor.shape[1], count, width).transpose(1, 2)

    masks = [key for key in case if key in {"window", "starts", "lengths", "segments"}]
    mask = None
    if "alibi" in case:
        mask = bias(case).expand(b, h, tq, tk).masked_fill(~allowed(case), -math.inf)
    elif masks:
        mask = allowed(case)
    y = scaled_dot_product_attention(
        heads("q", h, d),
        heads("k", hkv, d),
        heads("v", hkv, dv),
        attn_mask=mask,
        is_causal=mask is None and case.get("causal", False),
        scale=1 / case.get("divisor", math.sqrt(d)),
        enable_gqa=h != hkv,
    ).transpose(1, 2).reshape(b, tq, h * dv)
    weighting = uniform(y.shape, 1.0)
    (y * weighting).sum().backward()
    options = {key: value for key, value in case.items() if key not in OWN}
    if "alibi" in options:
        options["alibi"] = slopes(h)
    return {
        "sizes": {key: case[key] for key in OWN},
        "options": options,
        "given": {name: numbers(tensor) for name, tensor in given.items()},
        "weighting": {"y": numbers(weighting)},
        "results": {"y": numbers(y)},
        "gradients": {name: numbers(tensor.grad) for name, tensor in given.items()},
    }


def main():
    torch.manual_seed(11)
    head = {
        "about": " ".join(__doc__.split()),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    lines = [f'{json.dumps(key)}: {json.dumps(value)}' for key, value in head.items()]
    cases = [
        f'  {json.dumps(name)}: {json.dumps(made(case), separators=(",", ":"))}'
        for name, case in CASES.items()
    ]
    text = "{\n" + ",\n".join(lines) + ',\n"cases": {\n' + ",\n".join(cases) + "\n}}\n"
    (HERE / "torch_attention.json").write_text(text)


main()
