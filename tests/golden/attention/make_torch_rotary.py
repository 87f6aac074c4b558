"""
Makes tests/golden/attention/torch_rotary.json: rotary position embeddings of transformers, values and
gradients. Run it in this folder:

    python3 make_torch_rotary.py

Heads of x [B, T, (H + Hkv + 1) d] are H queries, Hkv keys, and one head that is not rotated. The
functions of Llama compute angles in f32, which the comparison allows for; all else is in f64.
"""

import json
import platform
from pathlib import Path

import torch
import transformers
from transformers.models.gptj import modeling_gptj
from transformers.models.llama import modeling_llama

HERE = Path(__file__).parent
BATCH, HEADS, KEYS = 1, 2, 1
POSITIONS = [0, 1, 7, 40]

CASES = {
    "llama": {"width": 8, "theta": 10000.0, "rope": {"rope_type": "default"}},
    "llama_theta": {"width": 8, "theta": 500000.0, "rope": {"rope_type": "default"}},
    "linear": {"width": 8, "theta": 10000.0, "rope": {"rope_type": "linear", "factor": 4.0}},
    "llama3": {
        "width": 16,
        "theta": 10000.0,
        "rope": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    },
    "yarn": {
        "width": 16,
        "theta": 10000.0,
        "rope": {
            "rope_type": "yarn",
            "factor": 4.0,
            "original_max_position_embeddings": 512,
        },
    },
    "yarn_range": {
        "width": 16,
        "theta": 10000.0,
        "rope": {
            "rope_type": "yarn",
            "factor": 16.0,
            "beta_fast": 16.0,
            "beta_slow": 2.0,
            "attention_factor": 1.5,
            "original_max_position_embeddings": 4096,
        },
    },
    "gptj": {"width": 8, "theta": 10000.0, "rotated": 4},
}


def rounded(tensor):
    return torch.round(tensor.double() * 64) / 64


def rotated_by(case, x):
    """Rotates q and k, [B, T, heads, d] each."""
    width = case["width"]
    q, k = x[:, :, :HEADS], x[:, :, HEADS:]
    positions = torch.tensor([POSITIONS])
    if "rotated" in case:
        config = transformers.GPTJConfig(
            n_embd=HEADS * width, n_head=HEADS, rotary_dim=case["rotated"], n_positions=64
        )
        sin, cos = modeling_gptj.GPTJRotaryEmbedding(config)(x, positions)
        turn = lambda part: torch.cat(
            [
                modeling_gptj.apply_rotary_pos_emb(part[..., : case["rotated"]], sin, cos),
                part[..., case["rotated"] :],
            ],
            dim=-1,
        )
        return torch.cat([turn(q), turn(k)], dim=2)
    rope = case["rope"]
    context = rope.get("original_max_position_embeddings", 64)
    config = transformers.LlamaConfig(
        hidden_size=HEADS * width,
        num_attention_heads=HEADS,
        num_key_value_heads=KEYS,
        max_position_embeddings=int(context * rope.get("factor", 1)),
        rope_parameters={"rope_theta": case["theta"], **rope},
    )
    cos, sin = modeling_llama.LlamaRotaryEmbedding(config)(x, positions)
    q, k = modeling_llama.apply_rotary_pos_emb(q, k, cos, sin, unsqueeze_dim=2)
    return torch.cat([q, k], dim=2)


def listed(tensor):
    return {"shape": list(tensor.shape), "data": tensor.flatten().tolist()}


def main():
    torch.manual_seed(17)
    made = {}
    for name, case in CASES.items():
        width = case["width"]
        shape = (BATCH, len(POSITIONS), HEADS + KEYS + 1, width)
        x = rounded(torch.randn(shape)).requires_grad_()
        y = torch.cat([rotated_by(case, x[:, :, : HEADS + KEYS]), x[:, :, HEADS + KEYS :]], dim=2)
        weighting = rounded(torch.rand(shape) * 2 - 1)
        (y * weighting).sum().backward()
        flat = lambda tensor: listed(
            tensor.detach().flatten(2).to(torch.float32).to(torch.float64)
        )
        made[name] = {
            **case,
            "given": {"x": flat(x)},
            "weighting": {"y": flat(weighting)},
            "results": {"y": flat(y)},
            "gradients": {"x": flat(x.grad)},
        }
    about = (
        "transformers' LlamaRotaryEmbedding and GPTJRotaryEmbedding with their "
        "apply_rotary_pos_emb on the CPU; x = randn, weighting uniform in [-1, 1), both rounded to "
        "1/64; the loss sums y times its weighting; results rounded to f32"
    )
    page = {
        "about": about,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "heads": HEADS + KEYS,
        "positions": POSITIONS,
    }
    cases = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}"
        for name, case in made.items()
    )
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in page.items()]
    text = "{\n" + ",\n".join(lines) + ',\n  "cases": {\n' + cases + "\n  }\n}\n"
    (HERE / "torch_rotary.json").write_text(text)


main()
