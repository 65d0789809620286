"""Soft neighbourhood density: how well an adapted network gathers a target's items into groups, without labels.

Saito et al. 2021, arXiv 2108.10860, equations 1 to 3. Shapes: N items, D numbers an item.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 1024


def neighbourhood_density(rows: Tensor, *, temperature: float = 0.05) -> Tensor:
    """The mean entropy of each item's similarity to all others, from N×D features or probabilities; higher is better.

    An item among many that are like it has many near neighbours, and a high entropy; one between two groups has few. At
    most log(N - 1), which is reached too where all items are the same: look at collapse apart.
    """
    rows = F.normalize(rows, dim=1)
    sums = []
    for start in range(0, len(rows), CHUNK):
        logits = rows[start : start + CHUNK] @ rows.T / temperature
        own = torch.arange(start, start + len(logits), device=rows.device)
        near = logits.scatter(1, own[:, None], -math.inf).log_softmax(dim=1)
        sums.append(-(near.exp() * near.masked_fill(near == -math.inf, 0.0)).sum())
    return torch.stack(sums).sum() / len(rows)
