"""
Makes the folders llama, llama_tied, mistral, qwen3, mixtral and mixtral_odd (save_pretrained of
transformers), each with golden.json and gradients.safetensors. Run it in this folder:

    python3 make_decoders.py
"""

import torch
import transformers
from golden import numbers, randomise, save_golden, save_model
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

ROWS, TIME, NEW = 2, 11, 9
SIZES = dict(hidden_size=12, num_hidden_layers=2, vocab_size=23, max_position_embeddings=20)
LLAMA3 = dict(
    rope_type="llama3",
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=8,
)
YARN = dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=10)


def decoders():
    yield "llama", transformers.LlamaForCausalLM, transformers.LlamaConfig(
        **SIZES, intermediate_size=17, num_attention_heads=6, num_key_value_heads=2,
        rope_theta=500.0, rope_scaling=LLAMA3, rms_norm_eps=1e-5,
    ), {}
    yield "llama_tied", transformers.LlamaForCausalLM, transformers.LlamaConfig(
        **SIZES, intermediate_size=32, num_attention_heads=2, num_key_value_heads=1, head_dim=10,
        rope_scaling=dict(rope_type="linear", factor=2.5), tie_word_embeddings=True,
    ), {}
    yield "mistral", transformers.MistralForCausalLM, transformers.MistralConfig(
        **SIZES, intermediate_size=20, num_attention_heads=3, num_key_value_heads=3,
        sliding_window=4, rope_scaling=YARN,
    ), dict(dtype=torch.bfloat16, max_shard_size="4KB")
    yield "qwen3", transformers.Qwen3ForCausalLM, transformers.Qwen3Config(
        **SIZES, intermediate_size=9, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
    ), dict(dtype=torch.float16)
    yield "mixtral", transformers.MixtralForCausalLM, transformers.MixtralConfig(
        **SIZES, intermediate_size=9, num_attention_heads=6, num_key_value_heads=2,
        num_local_experts=4, num_experts_per_tok=2, router_aux_loss_coef=0.3,
    ), {}
    yield "mixtral_odd", transformers.MixtralForCausalLM, transformers.MixtralConfig(
        **SIZES, intermediate_size=7, num_attention_heads=2, num_key_value_heads=1, head_dim=10,
        num_local_experts=5, num_experts_per_tok=3, router_aux_loss_coef=0.1, sliding_window=5,
        tie_word_embeddings=True,
    ), dict(dtype=torch.bfloat16, max_shard_size="4KB")


def auxiliary(model, logits):
    """The loss beside the cross-entropy: that of a mixture's routers."""
    if logits is None:
        return 0.0
    config = model.config
    balance = load_balancing_loss_func(
        logits, config.num_local_experts, config.num_experts_per_tok
    )
    return config.router_aux_loss_coef * balance


def saved_names(gradients):
    """Gradients under the names of files, where each expert has matrices of its own."""
    for name, value in gradients.items():
        if ".mlp.gate." in name:
            yield name.replace(".mlp.", ".block_sparse_moe."), value
        elif ".mlp.experts." in name:
            start, _, part = name.replace(".mlp.", ".block_sparse_moe.").rpartition(".")
            names = ("w1", "w3") if part == "gate_up_proj" else ("w2",)
            for expert, matrix in enumerate(value):
                for half, rows in zip(names, matrix.chunk(len(names))):
                    yield f"{start}.{expert}.{half}.weight", rows.contiguous()
        else:
            yield name, value


def main():
    for name, kind, config, saved in decoders():
        torch.manual_seed(len(name))
        config.bos_token_id = config.eos_token_id = config.pad_token_id = None
        config._attn_implementation = config._experts_implementation = "eager"
        model = kind(config).eval().double()
        randomise(model, lambda parameter: "norm" in parameter)
        # The bare model's files have names without a prefix, and no output layer.
        folder = save_model(name, model.model if config.tie_word_embeddings else model, **saved)
        ids = torch.randint(0, config.vocab_size, (ROWS, TIME + 1))
        routed = isinstance(config, transformers.MixtralConfig)
        outputs = model(ids[:, :-1], **dict(output_router_logits=True) if routed else {})
        logits = outputs.logits
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, config.vocab_size), ids[:, 1:].reshape(-1)
        )
        loss = loss + auxiliary(model, outputs.router_logits if routed else None)
        greedy = model.generate(
            ids[:, :3], attention_mask=torch.ones(ROWS, 3, dtype=torch.long),
            do_sample=False, max_new_tokens=NEW, pad_token_id=0,
        )
        save_golden(
            folder, model, loss,
            "the loss is the mean cross-entropy of ids[:, 1:] given ids[:, :-1]"
            + (", and the weighted balance of the routers" if routed else "")
            + "; greedy: generate() after ids[:, :3]; made by make_decoders.py",
            named=saved_names, ids=ids.tolist(), greedy=greedy.tolist(), logits=numbers(logits),
        )


main()
