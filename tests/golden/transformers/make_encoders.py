"""
Makes the folders bert and bert_relu (save_pretrained of transformers), each with golden.json and
gradients.safetensors. Run it in this folder:

    python3 make_encoders.py
"""

import torch
import transformers
from golden import numbers, randomise, save_golden, save_model

ROWS, TIME, ASKED = 2, 10, 3


def encoders():
    yield "bert", dict(
        hidden_size=12, num_attention_heads=3, intermediate_size=17, vocab_size=23,
        type_vocab_size=2, hidden_act="gelu",
    ), {}
    yield "bert_relu", dict(
        hidden_size=10, num_attention_heads=5, intermediate_size=40, vocab_size=19,
        type_vocab_size=1, hidden_act="relu", layer_norm_eps=1e-5,
    ), dict(dtype=torch.bfloat16, max_shard_size="6KB")


def main():
    for name, sizes, saved in encoders():
        torch.manual_seed(len(name))
        config = transformers.BertConfig(
            **sizes, num_hidden_layers=2, max_position_embeddings=TIME, pad_token_id=None,
            attn_implementation="eager",
        )
        model = transformers.BertForMaskedLM(config).eval().double()
        randomise(model, lambda parameter: parameter.endswith("LayerNorm.weight"))
        folder = save_model(name, model, **saved)
        ids = torch.randint(0, config.vocab_size, (ROWS, TIME))
        labels = torch.full((ROWS, TIME), -100)
        for row in range(ROWS):
            places = torch.randperm(TIME)[:ASKED]
            labels[row, places] = torch.randint(0, config.vocab_size, (ASKED,))
        out = model(ids, labels=labels)
        save_golden(
            folder, model, out.loss,
            "the loss is the mean cross-entropy of the labels that are not -100; made by "
            "make_encoders.py",
            ids=ids.tolist(), labels=labels.tolist(), logits=numbers(out.logits),
        )


main()
