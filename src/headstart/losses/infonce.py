"""InfoNCE: pick the positive of a query out among negatives; the loss under MoCo, CPC and their kin.

van den Oord et al. 2018, arXiv 1807.03748, equation 4; He et al. 2020, arXiv 1911.05722, equation 1.
Shapes: n queries in this process, N over all processes, K negatives, D and E features.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.collectives import gather, rank
from headstart.errors import InputError
from headstart.losses.precision import precise

Score = Literal["cosine", "dot", "bilinear"]


def info_nce(
    query: Tensor,
    positive: Tensor,
    negatives: Tensor | None = None,
    *,
    temperature: float = 0.1,
    score: Score = "cosine",
    weight: Tensor | None = None,
) -> Tensor:
    """The mean over n queries of the cross entropy of finding the positive.

    Args:
        query: n×D, not normalised.
        positive: n×E, each query's own (E = D unless the score is bilinear).
        negatives: K×E shared by all queries; None takes the other queries' positives, of all processes.
        temperature: By which scores are divided.
        score: `cosine` of the two, their `dot` product, or `bilinear` with `weight`.
        weight: D×E of the bilinear score; required there, refused elsewhere.
    """
    if (weight is not None) != (score == "bilinear"):
        raise InputError("info_nce: a weight goes with score='bilinear', and only with it.")
    with torch.autocast(query.device.type, enabled=False):
        query, positive = _ready(query, score), _ready(positive, score)
        if weight is not None:
            query = query @ weight.to(query)
        if negatives is None:
            logits = query @ gather(positive).T
            target = torch.arange(len(query), device=query.device) + rank() * len(query)
        else:
            own = (query * positive).sum(dim=1, keepdim=True)
            logits = torch.cat([own, query @ _ready(negatives, score).T], dim=1)
            target = torch.zeros(len(query), dtype=torch.int64, device=query.device)
        return F.cross_entropy(logits / temperature, target)


def _ready(rows: Tensor, score: Score) -> Tensor:
    """At least float32, and of length one for cosines."""
    return F.normalize(precise(rows), dim=1) if score == "cosine" else precise(rows)
