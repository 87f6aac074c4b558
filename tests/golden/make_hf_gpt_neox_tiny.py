"""
Makes tests/golden/hf_gpt_neox_tiny.safetensors (parameters and, as `grad:` and a name, gradients) and
hf_gpt_neox_tiny.json (logits and loss). Run it in this folder:

    python3 make_hf_gpt_neox_tiny.py

With sequential residuals, GPT-NeoX is the transformer of Shoal with rotary positions, up to the order
of the columns of its projections. Names and layouts in the files are those of Shoal.
"""

import json
import platform
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

HERE = Path(__file__).parent
VOCABULARY, WIDTH, HEADS, LAYERS, TIME = 29, 16, 4, 2, 11


def rows_of(values):
    """[3 D, ...] of GPT-NeoX, which has q, k, v of a head together: all q, all k, all v."""
    return values.unflatten(0, (HEADS, 3, WIDTH // HEADS)).transpose(0, 1).flatten(0, 2)


def converted(name, values):
    """The name and the values of a parameter, or its gradient, in Shoal."""
    parts = {
        "gpt_neox.embed_in.weight": "tokens.weight",
        "gpt_neox.final_layer_norm.": "norm.",
        "lm_head.weight": "head.weight",
        "gpt_neox.layers.": "blocks.",
        "input_layernorm": "norm1",
        "post_attention_layernorm": "norm2",
        "attention.query_key_value": "qkv",
        "attention.dense": "out",
        "mlp.dense_h_to_4h": "up",
        "mlp.dense_4h_to_h": "down",
    }
    if "query_key_value" in name:
        values = rows_of(values)
    for theirs, ours in parts.items():
        name = name.replace(theirs, ours)
    is_linear = values.dim() == 2 and name != "tokens.weight"
    return name, (values.T if is_linear else values).to(torch.float32).contiguous()


def main():
    torch.manual_seed(23)
    config = transformers.GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=4 * WIDTH,
        hidden_act="gelu_pytorch_tanh",
        rotary_pct=1.0,
        use_parallel_residual=False,
        max_position_embeddings=TIME,
        tie_word_embeddings=False,
    )
    config._attn_implementation = "eager"
    model = transformers.GPTNeoXForCausalLM(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            middle = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            noise = torch.empty_like(value).uniform_(-0.4, 0.4)
            value.copy_(middle + torch.round(noise * 64) / 64)
    ids = torch.randint(0, VOCABULARY, (2, TIME + 1))
    model.double()
    logits = model(ids[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1)
    )
    loss.backward()
    tensors = {}
    for name, value in model.named_parameters():
        ours, data = converted(name, value.detach())
        tensors[ours] = data
        tensors["grad:" + ours] = converted(name, value.grad)[1]
    save_file(tensors, HERE / "hf_gpt_neox_tiny.safetensors", {"format": "pt"})
    golden = {
        "about": "transformers.GPTNeoXForCausalLM with sequential residuals and all columns rotated, "
        "in float64 on the CPU (angles in float32) with eager attention; parameters uniform in "
        "[-0.4, 0.4) (gains around 1), rounded to 1/64; the loss is the mean cross-entropy of "
        "ids[:, 1:] given ids[:, :-1]; gradients by loss.backward(), rounded to float32; made by "
        "make_hf_gpt_neox_tiny.py",
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "python": platform.python_version(),
        "ids": ids.tolist(),
        "loss": loss.item(),
        "logits": {
            "shape": list(logits.shape),
            "data": [float(f"{x:.9g}") for x in logits.flatten().tolist()],
        },
    }
    (HERE / "hf_gpt_neox_tiny.json").write_text(json.dumps(golden) + "\n")


main()
