"""Exact nearest neighbours by cosine similarity: a matrix product and little more.

Shapes: T queries, M anchors, D features, k neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK_ELEMENTS = 2**25
"""Similarities held at once (128 MB): a fixed function of the shapes, so that results don't depend on timing."""

GROUPED_FROM = 4096
"""Anchors from which the two-stage selection is worth its bookkeeping."""


class Nearest(NamedTuple):
    """Each query's nearest anchors, the most similar first."""

    similarity: Tensor
    """float T×k, cosines."""
    rows: Tensor
    """int64 T×k: rows of the anchors."""


class Closest(NamedTuple):
    """Each query's closest anchors, the closest first."""

    squared: Tensor
    """float T×k: squared Euclidean distances."""
    rows: Tensor
    """int64 T×k: rows of the anchors."""


def unit(features: Tensor) -> Tensor:
    """N×D rows of length one (rows of zeros stay)."""
    return F.normalize(features, dim=1)


def nearest(queries: Tensor, anchors: Tensor, k: int, *, exclude: Tensor | None = None) -> Nearest:
    """The k anchors most similar to each query, exactly; fewer where there are fewer anchors.

    `queries` is T×D and `anchors` M×D, both of unit rows. The anchor that `exclude` (int64 T) names for a query is not
    counted among its neighbours: itself, where queries are anchors.
    """
    k = min(k, len(anchors) - int(exclude is not None))
    found = Nearest(queries.new_empty(len(queries), k), torch.empty(len(queries), k, dtype=torch.int64))
    rows = max(1, min(len(queries), CHUNK_ELEMENTS // max(len(anchors), 1)))
    buffer = queries.new_empty(rows, len(anchors))
    for start in range(0, len(queries), rows):
        part = queries[start : start + rows]
        similarity = torch.mm(part, anchors.T, out=buffer[: len(part)])
        if exclude is not None:
            similarity[torch.arange(len(part)), exclude[start : start + rows]] = -torch.inf
        best = _largest(similarity, k)
        found.similarity[start : start + rows], found.rows[start : start + rows] = best
    return found


def closest(queries: Tensor, anchors: Tensor, k: int, *, exclude: Tensor | None = None) -> Closest:
    """The k anchors at the smallest Euclidean distance from each query, exactly; otherwise like `nearest`.

    They are those of the largest q·a − |a|²/2: the same search with a column more.
    """
    middle = anchors.mean(dim=0)  # small numbers keep their digits
    queries, anchors = queries - middle, anchors - middle
    found = nearest(
        torch.cat([queries, queries.new_ones(len(queries), 1)], dim=1),
        torch.cat([anchors, -anchors.square().sum(dim=1, keepdim=True) / 2], dim=1),
        k,
        exclude=exclude,
    )
    return Closest((queries.square().sum(dim=1, keepdim=True) - 2 * found.similarity).clamp_min_(0), found.rows)


def _largest(values: Tensor, k: int) -> Nearest:
    """The k largest of each row of T×M values, sorted.

    The k largest values lie in the k strided groups with the largest maxima, so long rows are searched twice, each
    time among few: a vectorised maximum reads every value once, the slow selection sees some of them.
    """
    count = values.shape[1]
    size = 32 if k <= 32 else 16
    groups = count // size
    if count < GROUPED_FROM or groups < 2 * k:
        return Nearest(*values.topk(k, dim=1))
    maxima = values[:, : groups * size].reshape(len(values), size, groups).amax(dim=1)
    chosen = maxima.topk(k, dim=1, sorted=False).indices
    members = chosen[:, None, :] + groups * torch.arange(size)[None, :, None]
    tail = torch.arange(groups * size, count).expand(len(values), -1)
    candidates = torch.cat([members.flatten(1), tail], dim=1)
    similarity, place = values.gather(1, candidates).topk(k, dim=1)
    return Nearest(similarity, candidates.gather(1, place))
