"""
Makes tests/golden/convolution/torch_*.json: what convolutions and max pooling of PyTorch give, and the
gradients of a weighted sum of that. Run it in the repository:

    python3 tests/golden/convolution/make_torch_convolution.py
"""

import json
import platform
from pathlib import Path

import torch
from torch.nn import functional

HERE = Path(__file__).parent

# Name: the function of torch.nn.functional, the shape of x [B, C, ...], output channels, arguments.
CASES = {
    "conv2d": ("conv2d", (2, 3, 6, 7), 4, dict(kernel=(3, 3))),
    "conv2d_padded": ("conv2d", (2, 1, 5, 6), 5, dict(kernel=(5, 5), padding=2)),
    "conv2d_strided": (
        "conv2d",
        (2, 2, 7, 9),
        3,
        dict(kernel=(2, 3), stride=(3, 2), padding=(1, 2)),
    ),
    "conv1d": ("conv1d", (3, 4, 9), 5, dict(kernel=(4,))),
    "conv1d_strided": ("conv1d", (2, 3, 10), 2, dict(kernel=(3,), stride=2, padding=1)),
    "max_pool2d": ("max_pool2d", (2, 3, 6, 8), None, dict(kernel=2)),
    "max_pool2d_overlapping": (
        "max_pool2d",
        (2, 2, 7, 6),
        None,
        dict(kernel=(3, 2), stride=(2, 1), padding=1),
    ),
    "max_pool2d_sparse": ("max_pool2d", (1, 2, 8, 9), None, dict(kernel=2, stride=3)),
    "max_pool1d": ("max_pool1d", (2, 5, 9), None, dict(kernel=3, stride=2)),
}


def rounded(x, steps):
    return (x * steps).round() / steps


def numbers(x):
    return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}


def main():
    for name, (op, shape, width, arguments) in CASES.items():
        generator = torch.Generator().manual_seed(11)

        def draw(*sizes):
            return torch.randn(sizes, generator=generator, dtype=torch.float64)

        arguments = dict(arguments)
        kernel = arguments.pop("kernel")
        # Few distinct values, so that windows of pooling have equal ones.
        given = {"x": rounded(draw(*shape), 64 if width else 2)}
        if width is not None:
            given["weight"] = rounded(draw(width, shape[1], *kernel) / 2, 64)
            given["bias"] = rounded(draw(width), 64)
        for value in given.values():
            value.requires_grad_()
        function = getattr(functional, op)
        if width is None:
            y = function(given["x"], kernel, **arguments)
        else:
            y = function(given["x"], given["weight"], given["bias"], **arguments)
        weighting = rounded(torch.rand(y.shape, generator=generator, dtype=torch.float64) - 0.5, 64)
        (y * weighting).sum().backward()
        golden = {
            "about": f"torch.nn.functional.{op} in float64 on the CPU; the loss sums y times its "
            "weighting; made by make_torch_convolution.py",
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
            "arguments": {"kernel": kernel, **arguments},
            "given": {key: numbers(value) for key, value in given.items()},
            "weighting": {"y": numbers(weighting)},
            "results": {"y": numbers(y)},
            "gradients": {key: numbers(value.grad) for key, value in given.items()},
        }
        (HERE / f"torch_{name}.json").write_text(json.dumps(golden) + "\n")


main()
