"""How probable each class is for each item, by a classifier that learned from other items.

Shapes: N items of both sets, D features, C classes; K folds, L strengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from headstart.evaluation.logistic import Design, fit_logistic
from headstart.transfer.diagnosing.pool import FOLDS, Pool

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""λ of the summed loss, one of which is chosen by the out-of-fold loss."""
CHANCE = 1e-3
"""Where classes are guessed no better than this chance allows, they can't be told from the pictures."""


@dataclass(frozen=True)
class Posteriors:
    """Out-of-fold probabilities, under the class shares of the labels that were learned from."""

    probabilities: Tensor
    """float64 N×C."""
    accuracy: float
    """On the items that were learned from."""
    telling: bool
    """Whether that is better than always saying the commonest class."""

    @property
    def predictions(self) -> Tensor:
        """int64 N."""
        return self.probabilities.argmax(dim=1)


def posteriors(pool: Pool, known: Tensor) -> Posteriors:
    """Logistic regression on the items of bool N `known`, one a fold: each item is scored by the one that hasn't seen
    its fold."""
    labels = pool.labels[known]
    rows = pool.description.features * pool.description.features.shape[1] ** 0.5
    learned = (pool.folds[known] != torch.arange(FOLDS)[:, None]).float()  # K×n
    weights = learned.repeat(len(STRENGTHS), 1)[None]
    strengths = torch.tensor(STRENGTHS).repeat_interleave(FOLDS)[None]
    design = Design(rows[known][None])
    fit = fit_logistic(design, labels[None], len(pool.classes), strengths, weights, tolerance=1e-3, iterations=100)
    weight = fit.weight[0].reshape(len(STRENGTHS), FOLDS, len(pool.classes), -1)
    bias = fit.bias[0].reshape(len(STRENGTHS), FOLDS, -1)
    tried = [_logits(rows, pool.folds, weight[place], bias[place]) for place in range(len(STRENGTHS))]
    losses = [float(torch.nn.functional.cross_entropy(one[known], labels)) for one in tried]
    probabilities = tried[losses.index(min(losses))].double().softmax(dim=1)
    right = int((probabilities[known].argmax(dim=1) == labels).sum())
    most = int(torch.bincount(labels).max())
    luck = float(stats.binom.sf(right - 1, len(labels), most / len(labels)))
    return Posteriors(probabilities, right / len(labels), luck <= CHANCE)


def _logits(rows: Tensor, folds: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """N×C, each row by its own fold's weights (K×C×D) and biases (K×C)."""
    made = rows.new_empty(len(rows), bias.shape[1])
    for fold in range(FOLDS):
        mine = folds == fold
        made[mine] = rows[mine] @ weight[fold].T + bias[fold]
    return made
