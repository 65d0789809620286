"""The small networks between an encoder and a loss: projectors and predictors."""

from __future__ import annotations

from torch import nn


def mlp(before: int, hidden: int, after: int) -> nn.Sequential:
    """n×before → n×after through one hidden layer with batch norm and ReLU."""
    return nn.Sequential(
        nn.Linear(before, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, after),
    )
