"""
Makes torch_experts.json: a mixture of experts with a capacity, and the terms of two routers, with all
gradients, in float64. Run it in this folder:

    python3 make_torch_experts.py
"""

import json
import platform
from pathlib import Path

import torch

ROWS, WIDTH, HIDDEN, EXPERTS, CHOSEN = 21, 6, 5, 4, 2
CASES = {"all": None, "capacity": 0.75, "one": None}


def chosen_of(probabilities, count):
    """The largest of each row, the lower index first among equal ones."""
    order = torch.argsort(probabilities, dim=-1, descending=True, stable=True)
    return order[:, :count]


def mixture(x, router, up, down, count, factor):
    """Token by token and expert by expert."""
    probabilities = (x @ router).softmax(-1)
    ids = chosen_of(probabilities, count)
    weights = probabilities.gather(-1, ids)
    weights = weights / weights.sum(-1, keepdim=True)
    most = len(x) if factor is None else -(-factor * len(x) * count // EXPERTS)
    taken = [0] * EXPERTS
    rows = []
    for token, own in enumerate(ids.tolist()):
        total = torch.zeros(WIDTH, dtype=torch.float64)
        for k, expert in enumerate(own):
            if taken[expert] < most:
                gate, gated = (x[token] @ up[expert]).chunk(2)
                result = (torch.nn.functional.silu(gate) * gated) @ down[expert]
                total = total + weights[token, k] * result
            taken[expert] += 1
        rows.append(total)
    return torch.stack(rows), ids


def numbers(tensor):
    return [float(f"{value:.15g}") for value in tensor.flatten().tolist()]


def case(name, factor):
    count = 1 if name == "one" else CHOSEN
    torch.manual_seed(sum(map(ord, name)))

    def uniform(*shape):
        # Multiples of 1/64 are exact in float32.
        values = torch.round(torch.empty(shape, dtype=torch.float64).uniform_(-64, 64)) / 64
        return values.requires_grad_()

    x, router = uniform(ROWS, WIDTH), uniform(WIDTH, EXPERTS)
    up, down = uniform(EXPERTS, WIDTH, 2 * HIDDEN), uniform(EXPERTS, HIDDEN, WIDTH)
    seed = uniform(ROWS, WIDTH).detach()
    y, ids = mixture(x, router, up, down, count, factor)
    wanted = dict(x=x, router=router, up=up, down=down)
    slopes = torch.autograd.grad((y * seed).sum(), list(wanted.values()))

    logits = [x @ router, -2 * (x @ router)]
    probabilities = torch.cat([each.softmax(-1) for each in logits])
    chosen = torch.nn.functional.one_hot(chosen_of(probabilities, count), EXPERTS)
    share = chosen.sum(1).double().mean(0)
    balance = EXPERTS * (share * probabilities.mean(0)).sum()
    z = torch.cat(logits).logsumexp(-1).square().mean()
    terms = {}
    for term, value in dict(balance=balance, router_z=z).items():
        pair = torch.autograd.grad(value, [x, router], retain_graph=True)
        terms[term] = dict(value=value.item(), x=numbers(pair[0]), router=numbers(pair[1]))
    return dict(
        chosen=count, capacity_factor=factor, ids=ids.flatten().tolist(),
        inputs={key: numbers(value) for key, value in dict(wanted, seed=seed).items()},
        y=numbers(y), slopes={key: numbers(slope) for key, slope in zip(wanted, slopes)},
        terms=terms,
    )


golden = {
    "about": "a mixture of experts written out per token, in float64; slopes: of sum(y * seed); terms: of "
    "two routers, whose logits are x router and -2 x router; made by "
    "make_torch_experts.py",
    "torch": torch.__version__.split("+")[0],
    "python": platform.python_version(),
    "sizes": dict(rows=ROWS, width=WIDTH, hidden=HIDDEN, experts=EXPERTS),
    "cases": {name: case(name, factor) for name, factor in CASES.items()},
}
(Path(__file__).parent / "torch_experts.json").write_text(json.dumps(golden) + "\n")
