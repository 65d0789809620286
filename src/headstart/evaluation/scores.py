"""How good predictions are: plain functions of predictions and labels, as tensors or NumPy arrays.

Shapes: T items, C classes.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

Array = Tensor | NDArray[Any]


def confusion_matrix(predicted: Array, labels: Array, classes: int) -> Tensor:
    """int64 C×C: row = the label, column = what was predicted, for int T predictions and labels."""
    cells = torch.as_tensor(labels).long() * classes + torch.as_tensor(predicted).long()
    return torch.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(predicted: Array, labels: Array, classes: int) -> float:
    """The mean over the classes that occur of the share of their items that was found."""
    table = confusion_matrix(predicted, labels, classes).double()
    counts = table.sum(dim=1)
    return float((table.diagonal() / counts)[counts > 0].mean())


def top_k_hits(probabilities: Tensor, labels: Tensor, k: int) -> Tensor:
    """bool T: whether the label is among the k most probable of T×C."""
    best = probabilities.topk(min(k, probabilities.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1)


def top_k_accuracy(probabilities: Tensor, labels: Tensor, k: int = 5) -> float:
    """The share of items whose label is among the k most probable of T×C."""
    return float(top_k_hits(probabilities, labels, k).double().mean())


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far the probability of the answer is from how often it is right (Guo et al. 2017, arXiv 1706.04599, eq. 3).

    Of T×C probabilities and int64 T labels: the mean distance over `bins` equally wide bins, each by its items; 0…1.
    """
    sure, answers = probabilities.double().max(dim=1)
    right = (answers == labels).double()
    place = (sure * bins).ceil().long().clamp(1, bins) - 1  # (0, 1/bins] is the first
    gap = torch.zeros(bins, dtype=torch.float64).index_add_(0, place, sure - right)
    return float(gap.abs().sum() / len(labels))
