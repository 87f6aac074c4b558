"""
Makes the folders llama, llama_tied, mistral and qwen3 (save_pretrained of transformers), each with
golden.json and gradients.safetensors. Run it in this folder:

    python3 make_decoders.py
"""

import torch
import transformers
from golden import numbers, randomise, save_golden, save_model

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


def main():
    for name, kind, config, saved in decoders():
        torch.manual_seed(len(name))
        config.bos_token_id = config.eos_token_id = config.pad_token_id = None
        config._attn_implementation = "eager"
        model = kind(config).eval().double()
        randomise(model, lambda parameter: "norm" in parameter)
        # The bare model's files have names without a prefix, and no output layer.
        folder = save_model(name, model.model if config.tie_word_embeddings else model, **saved)
        ids = torch.randint(0, config.vocab_size, (ROWS, TIME + 1))
        logits = model(ids[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, config.vocab_size), ids[:, 1:].reshape(-1)
        )
        greedy = model.generate(
            ids[:, :3], attention_mask=torch.ones(ROWS, 3, dtype=torch.long),
            do_sample=False, max_new_tokens=NEW, pad_token_id=0,
        )
        save_golden(
            folder, model, loss,
            "the loss is the mean cross-entropy of ids[:, 1:] given ids[:, :-1]; greedy: generate() "
            "after ids[:, :3]; made by make_decoders.py",
            ids=ids.tolist(), greedy=greedy.tolist(), logits=numbers(logits),
        )


main()
