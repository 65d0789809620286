"""The weighted vote of the nearest labelled items.

Wu et al. 2018, arXiv 1805.01978, section 3.4: weights exp(s/τ) of cosine similarities s. The paper's τ of 0.07 is kept;
its k of 200, made for a million labelled images, becomes 20.
Shapes: n labelled items, T items asked about, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from headstart.evaluation.bank import NEIGHBOURS, Bank, Queries, as_queries
from headstart.evaluation.heads.head import Head, HeldOut, Labelled, Trial
from headstart.evaluation.neighbours import Nearest, nearest

TEMPERATURE = 0.07


def vote(found: Nearest, labels: Tensor, classes: int, temperature: float) -> Tensor:
    """T×C shares of the votes that T×k neighbours cast for their labels (int64 n)."""
    weights = (found.similarity / temperature).softmax(dim=1)
    return torch.zeros(len(weights), classes).scatter_add_(1, labels[found.rows], weights)


class FittedKNN:
    """Keeps the labelled items."""

    name = "knn"

    def __init__(self, anchors: Tensor, labels: Tensor, classes: int, temperature: float = TEMPERATURE) -> None:
        self.anchors, self.labels = anchors, labels
        self.classes, self.temperature = classes, temperature

    @property
    def settings(self) -> Mapping[str, float | str]:
        """k (never more than there are labels), the temperature and the metric."""
        return {"k": min(NEIGHBOURS, len(self.anchors)), "temperature": self.temperature, "metric": "cosine"}

    def predict(self, features: Tensor | Queries) -> Tensor:
        """T×C probabilities."""
        return vote(as_queries(features).nearest(self.anchors), self.labels, self.classes, self.temperature)

    def state(self) -> dict[str, Tensor]:
        """The labelled items' unit features n×D and labels n, and the settings."""
        settings = torch.tensor([self.classes, self.temperature], dtype=torch.float64)
        return {"anchors": self.anchors, "labels": self.labels, "settings": settings}

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Self:
        """The head that `state` was taken from."""
        classes, temperature = state["settings"].tolist()
        return cls(state["anchors"], state["labels"], int(classes), temperature)


class KNN(Head):
    """Cosine neighbours among the labelled items."""

    name = "knn"

    def fit_draws(self, bank: Bank, draws: Sequence[Labelled], classes: int) -> list[Trial]:
        """Nothing to fit; cross-validation hides each fold from itself."""
        return [Trial(FittedKNN(_anchors(bank, d), d.labels, classes), _validate(bank, d, classes)) for d in draws]


def _anchors(bank: Bank, draw: Labelled) -> Tensor:
    """The bank's own tensor where every item is labelled, so that searches in it are shared."""
    everything = len(draw.index) == len(bank) and bool((draw.index == torch.arange(len(bank))).all())
    return bank.unit if everything else bank.unit[draw.index]


def _validate(bank: Bank, draw: Labelled, classes: int) -> HeldOut | None:
    """Out-of-fold probabilities."""
    if draw.folds is None:
        return None
    probabilities = torch.zeros(len(draw.index), classes)
    for fold in range(int(draw.folds.max()) + 1):
        asked, known = draw.folds == fold, draw.folds != fold
        found = nearest(bank.unit[draw.index[asked]], bank.unit[draw.index[known]], NEIGHBOURS)
        probabilities[asked] = vote(found, draw.labels[known], classes, TEMPERATURE)
    return HeldOut.of(probabilities, draw)
