"""
A recurrent network that was trained with Shoal, in PyTorch. Needs torch and safetensors.

    from model import load
    model = load(".")
    logits, state = model(torch.tensor([[1, 2, 3]]))          # ids [B, T]
    logits, state = model(torch.tensor([[4]]), state)         # and on from there

Logits are [B, T, classes], or [B, classes] where the model gives one label of a whole window. What
the ids mean is said by tokenizer.json, or by tokenizer.shoal.json.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        cell = config["cell"]
        options = {}
        if cell.startswith("rnn_"):
            options["nonlinearity"] = cell[len("rnn_") :]
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}.get(cell, torch.nn.RNN)
        layers = config["num_layers"]
        both = config["bidirectional"]
        self.embedding = torch.nn.Embedding(config["vocab_size"], width)
        self.rnn = kind(
            width,
            width,
            num_layers=layers,
            batch_first=True,
            bidirectional=both,
            dropout=config["dropout"] if layers > 1 else 0.0,
            **options,
        )
        self.head = torch.nn.Linear(width * (2 if both else 1), config["classes"])
        self.readout = config["readout"] if config["asked"] == "one" else None

    def forward(self, ids, state=None):
        y, state = self.rnn(self.embedding(ids), state)
        if self.readout == "last":
            y = y[:, -1]
        elif self.readout == "mean":
            y = y.mean(dim=1)
        return self.head(y), state


def load(folder):
    """The model in `folder`, ready to be asked."""
    folder = Path(folder)
    model = Model(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
