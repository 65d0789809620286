"""Alignment and uniformity: what contrastive losses ask of features on the unit sphere.

Wang and Isola 2020, arXiv 2005.10242, section 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 1024


def alignment(a: Tensor, b: Tensor, *, exponent: float = 2.0) -> Tensor:
    """The mean of ‖aᵢ - bᵢ‖^α over N×D features of two views of the same items, brought to length one; 0 is best."""
    distances: Tensor = torch.linalg.vector_norm(F.normalize(a, dim=1) - F.normalize(b, dim=1), dim=1)
    return distances.pow(exponent).mean()


def uniformity(features: Tensor, *, t: float = 2.0) -> Tensor:
    """The log of the mean of exp(-t‖xᵢ - xⱼ‖²) over all pairs i < j of N×D features brought to length one.

    0 where all items are the same; about -3.9 at best for t = 2 in many dimensions. Pairs are taken in chunks, so
    memory grows with N only.
    """
    rows = F.normalize(features, dim=1)
    sums = []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        exponents = -t * (2 - 2 * part @ rows[start:].T).clamp_min(0)
        sums.append(exponents.exp().triu(diagonal=1).sum())
    pairs = len(rows) * (len(rows) - 1) / 2
    return torch.stack(sums).sum().log() - math.log(pairs)
