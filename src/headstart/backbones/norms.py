"""Replacing the normalisation layers of a network."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

Norm = Literal["batch", "group", "none"]

GROUPS = 8
"""Groups at most; fewer where the channels don't divide (Wu and He 2018, 1803.08494, found 8 to 32 alike)."""


def replace_norm(module: nn.Module, kind: Norm) -> nn.Module:
    """The network with every batch norm replaced by group norm, by nothing, or kept; in place.

    A convolution or linear layer that had no bias because a norm followed it gets none: compare like with like.
    """
    if kind == "batch":
        return module
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, _substitute(child.num_features, kind))
        else:
            replace_norm(child, kind)
    return module


def _substitute(channels: int, kind: Norm) -> nn.Module:
    return nn.Identity() if kind == "none" else nn.GroupNorm(math.gcd(GROUPS, channels), channels)
