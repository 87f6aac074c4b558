"""
A convolutional network over tokens that was trained with Shoal, in PyTorch. Needs torch and
safetensors.

    from model import load
    model = load(".")
    logits = model(ids)             # ids [B, T]; logits [B, classes]

What the ids mean is said by tokenizer.json, or by tokenizer.shoal.json.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        width, filters = config["width"], config["filters"]
        self.embedding = torch.nn.Embedding(config["vocab_size"], width)
        self.conv = torch.nn.ModuleList(
            torch.nn.Conv1d(width, filters, kernel) for kernel in config["kernels"]
        )
        self.dropout = torch.nn.Dropout(config["dropout"])
        self.head = torch.nn.Linear(len(self.conv) * filters, config["classes"])

    def forward(self, ids):
        x = self.embedding(ids).transpose(1, 2)
        maxima = [torch.relu(conv(x)).amax(dim=2) for conv in self.conv]
        return self.head(self.dropout(torch.cat(maxima, dim=1)))


def load(folder):
    """The model in `folder`, ready to be asked."""
    folder = Path(folder)
    model = Model(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
