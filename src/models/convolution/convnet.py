"""
A convolutional network that was trained with Shoal, in PyTorch. Needs torch and safetensors.

    from model import load
    model = load(".")
    logits = model(images)          # images [B, 1, H, W] in [0, 1]; logits [B, classes]
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file


class Model(torch.nn.Module):
    def __init__(self, config, features):
        super().__init__()
        kernel = config["kernel"]
        self.pool = config["pool"]
        self.dropout = torch.nn.Dropout(config["dropout"])
        self.conv = torch.nn.ModuleList()
        channels = 1
        for layer, width in enumerate(config["channels"]):
            padding = config["padding"]
            if padding is None:
                padding = kernel // 2 if layer == 0 else 0
            self.conv.append(torch.nn.Conv2d(channels, width, kernel, padding=padding))
            channels = width
        self.dense = torch.nn.ModuleList()
        for width in config["dense"]:
            self.dense.append(torch.nn.Linear(features, width))
            features = width
        self.head = torch.nn.Linear(features, config["classes"])

    def forward(self, x):
        for conv in self.conv:
            x = torch.relu(conv(x))
            if self.pool > 1:
                x = torch.nn.functional.max_pool2d(x, self.pool)
        x = x.flatten(1)
        for dense in self.dense:
            x = self.dropout(torch.relu(dense(x)))
        return self.head(x)


def load(folder):
    """The model in `folder`, ready to be asked."""
    folder = Path(folder)
    weights = load_file(folder / "model.safetensors")
    first = "dense.0.weight" if "dense.0.weight" in weights else "head.weight"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = Model(config, weights[first].shape[1])
    model.load_state_dict(weights)
    return model.eval()
