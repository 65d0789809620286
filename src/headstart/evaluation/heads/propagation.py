"""Labels spread over the neighbour graph of all training items, then carried to new items by their neighbours.

Items asked about never enter the graph: each gets the weighted mean of its nearest training items' scores (the
inductive formula of Delalleau et al. 2005, equation 6). Class masses are brought to the labelled items' proportions,
Zhu et al. 2003, section 4.
Shapes: M training items, n of them labelled, T items asked about, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from headstart.evaluation.bank import Bank, Queries, as_queries
from headstart.evaluation.graph import ALPHA, GRAPH_NEIGHBOURS
from headstart.evaluation.heads.head import Head, HeldOut, Labelled, Trial
from headstart.evaluation.neighbours import Nearest

CARRIERS = 10
"""Nearest training items whose scores a new item gets."""

TEMPERATURE = 0.05
FINE = 1e-3
COARSE = 1e-2
"""Relative residuals that are enough to predict, and to compare heads by cross-validation."""


def carry(found: Nearest, scores: Tensor) -> Tensor:
    """T×C scores of new items: the mean of M×C scores over T×k neighbours, weighted by exp(s/τ)."""
    weights = (found.similarity[:, :CARRIERS] / TEMPERATURE).softmax(dim=1)
    return torch.einsum("tk,tkc->tc", weights, scores[found.rows[:, :CARRIERS]])


class FittedPropagation:
    """Keeps all training items and the scores that labels spread to."""

    name = "propagation"

    def __init__(self, anchors: Tensor, scores: Tensor) -> None:
        self.anchors, self.scores = anchors, scores

    @property
    def settings(self) -> Mapping[str, float | str]:
        """The graph's neighbours and α, the neighbours that carry scores to new items, and the metric."""
        return {"k": GRAPH_NEIGHBOURS, "alpha": ALPHA, "carriers": CARRIERS, "metric": "cosine"}

    def predict(self, features: Tensor | Queries) -> Tensor:
        """T×C probabilities."""
        return carry(as_queries(features).nearest(self.anchors), self.scores)

    def state(self) -> dict[str, Tensor]:
        """Unit features M×D and scores M×C of all training items."""
        return {"anchors": self.anchors, "scores": self.scores}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Self:
        """The head that `state` was taken from."""
        return cls(state["anchors"], state["scores"])


class Propagation(Head):
    """Label spreading; all draws, folds and classes are right-hand sides of one linear system."""

    name = "propagation"

    def fit_draws(self, bank: Bank, draws: Sequence[Labelled], classes: int) -> list[Trial]:
        """Spreads each draw's labels; cross-validation hides a fold's labels, its items stay in the graph."""
        everything = [np.arange(len(draw.index)) for draw in draws]
        scores = _spread(bank, draws, everything, classes, tolerance=FINE)
        return [
            Trial(FittedPropagation(bank.unit, mine), _validate(bank, draw, classes))
            for draw, mine in zip(draws, scores, strict=True)
        ]


def _spread(
    bank: Bank, draws: Sequence[Labelled], known: Sequence[np.ndarray], classes: int, tolerance: float
) -> list[Tensor]:
    """M×C probabilities of every training item for each draw, of whose labels only the places `known` count."""
    sources = np.zeros((len(bank), len(draws), classes), dtype=np.float32)
    for column, (draw, places) in enumerate(zip(draws, known, strict=True)):
        sources[draw.index.numpy()[places], column, draw.labels.numpy()[places]] = 1
    spread = bank.graph.spread(sources.reshape(len(bank), -1), tolerance=tolerance).reshape(sources.shape)
    return [_balanced(torch.from_numpy(spread[:, i]), torch.from_numpy(sources[:, i])) for i in range(len(draws))]


def _balanced(scores: Tensor, sources: Tensor) -> Tensor:
    """M×C scores whose class masses are in the labels' proportions, as probabilities.

    An item that no label reaches gets the labels' proportions.
    """
    scores = scores.clamp_min(0)
    counts = sources.sum(dim=0)
    mass = scores.sum(dim=0)
    scaled = scores * torch.where(mass > 0, counts / mass.clamp_min(1e-12), 0)
    total = scaled.sum(dim=1, keepdim=True)
    return torch.where(total > 0, scaled / total.clamp_min(1e-30), counts / counts.sum())


def _validate(bank: Bank, draw: Labelled, classes: int) -> HeldOut | None:
    """Out-of-fold probabilities; an item held out is scored like a new one, by its neighbours."""
    if draw.folds is None:
        return None
    folds = range(int(draw.folds.max()) + 1)
    known = [torch.nonzero(draw.folds != fold).flatten().numpy() for fold in folds]
    scores = _spread(bank, [draw] * len(known), known, classes, COARSE)
    probabilities = torch.zeros(len(draw.index), classes)
    for fold in folds:
        asked = draw.folds == fold
        rows = draw.index[asked]
        found = Nearest(bank.neighbours.similarity[rows], bank.neighbours.rows[rows])
        probabilities[asked] = carry(found, scores[fold])
    return HeldOut.of(probabilities, draw)
