#!/usr/bin/env python3
"""Trains the network of models/builders/digits.py and writes weights.npz beside this file.

Needs torch, which nothing else here does; takes a minute. The weights are in the repository for that reason.
"""

import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from models.builders.digits import BLOCKS, CLASSES, FILE, WIDTH, samples  # noqa: E402

EPOCHS, BATCH = 15, 50


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        if channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, x):
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return functional.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, WIDTH, 3, 1, 1, bias=False), nn.BatchNorm2d(WIDTH)
        self.blocks = nn.ModuleList(Block(*sizes) for sizes in BLOCKS)
        self.classifier = nn.Linear(BLOCKS[-1][1], CLASSES)

    def forward(self, x):
        x = functional.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.classifier(x.mean((2, 3)))


def shifted(images):
    """Moved by up to one pixel, so that 1,200 pictures are enough."""
    padded, (dy, dx) = functional.pad(images, (1, 1, 1, 1)), torch.randint(0, 3, (2,)).tolist()
    return padded[:, :, dy:dy + 8, dx:dx + 8]


def main():
    torch.set_num_threads(1)  # sums of several threads differ
    torch.manual_seed(1)
    images, labels = map(torch.from_numpy, samples("train"))
    network = Network()
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(network(shifted(images[chosen])), labels[chosen]).backward()
            optimizer.step()
        schedule.step()
    network.eval()
    tests, expected = map(torch.from_numpy, samples("test"))
    print(f"{(network(tests).argmax(1) == expected).float().mean():.4f} of the test pictures are told right")
    weights = {name: value.numpy().astype(np.float16) for name, value in network.state_dict().items() if value.ndim}
    np.savez_compressed(FILE, **weights)


if __name__ == "__main__":
    main()
