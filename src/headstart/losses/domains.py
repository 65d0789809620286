"""The loss of a critic that tells source from target.

Ganin et al. 2016, arXiv 1505.07818, equation 9; weights: Long et al. 2018, arXiv 1705.10667, equation 9.
Shapes: n items of each domain in this process.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.collectives import global_mean
from headstart.losses.precision import precise


def domain_confusion(
    source: Tensor, target: Tensor, *, source_weights: Tensor | None = None, target_weights: Tensor | None = None
) -> Tensor:
    """The mean of both domains' binary cross entropy, from n logits of "this is source" for each.

    Args:
        source: n logits of source items.
        target: n logits of target items.
        source_weights: How much each item counts among its domain's, over all processes; None: all alike.
        target_weights: Likewise.
    """
    with torch.autocast(source.device.type, enabled=False):
        own = _weighted(F.softplus(-precise(source)), source_weights)
        other = _weighted(F.softplus(precise(target)), target_weights)
        return (own + other) / 2


def _weighted(errors: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return errors.mean()
    weights = weights.to(errors).detach()
    return global_mean((weights * errors).sum(), weights.sum())
