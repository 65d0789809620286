"""Minimum class confusion: a target item's probability shouldn't be shared between classes.

Jin et al. 2020, arXiv 1912.03699, equations 3 to 8. Shapes: n items in this process, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.collectives import total
from headstart.losses.precision import precise


def class_confusion(logits: Tensor, *, temperature: float = 2.5) -> Tensor:
    """How much probability pairs of different classes share over n×C logits: 0 where every item has one class.

    Items count by 1 + exp(-entropy), taken as given, so the sure ones count more; each class's row of confusions is
    brought to sum one. Weights need no further normalisation, for the rows' undoes any.
    """
    with torch.autocast(logits.device.type, enabled=False):
        shares = (precise(logits) / temperature).softmax(dim=1)
        weights = 1 + torch.exp(-entropy(shares.detach()))
        confusion = total(shares.T @ (weights[:, None] * shares))  # [C, C]
        confusion = confusion / confusion.sum(dim=1, keepdim=True)
        return (confusion.sum() - confusion.trace()) / len(confusion)


def entropy(shares: Tensor) -> Tensor:
    """n: the entropy of each row of n×C probabilities, in nats."""
    found: Tensor = -torch.special.xlogy(shares, shares).sum(dim=1)
    return found
