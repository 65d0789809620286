"""Finding and replacing the normalisation layers of a network."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Norm = Literal["batch", "group", "none"]

GROUPS = 8
"""Groups at most; fewer where the channels don't divide (Wu and He 2018, 1803.08494, found 8 to 32 alike)."""


def replace_norm(module: nn.Module, kind: Norm) -> nn.Module:
    """The network with every batch norm replaced by group norm, by its scale and shift alone, or kept; in place.

    All three have the same parameters, so that what differs is the normalising and nothing else: the activation that
    a batch norm of timm's brings along follows what replaces it.
    """
    if kind == "batch":
        return module
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        made, after = _substitute(module.num_features, kind), getattr(module, "act", None)
        return nn.Sequential(made, after) if isinstance(after, nn.Module) else made
    for name, child in module.named_children():
        setattr(module, name, replace_norm(child, kind))
    return module


def norms_of(module: nn.Module) -> list[_BatchNorm]:
    """Its batch norms."""
    return [one for one in module.modules() if isinstance(one, _BatchNorm)]


class ScaleShift(nn.Module):
    """What is left of a norm that doesn't normalise: γx + β a channel, of n×C×… inputs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """The inputs, scaled and shifted."""
        shape = (-1,) + (1,) * (inputs.ndim - 2)
        return torch.addcmul(self.bias.view(shape), inputs, self.weight.view(shape))


def _substitute(channels: int, kind: Norm) -> nn.Module:
    return ScaleShift(channels) if kind == "none" else nn.GroupNorm(math.gcd(GROUPS, channels), channels)
