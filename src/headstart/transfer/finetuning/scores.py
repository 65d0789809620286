"""What a network with a head is worth on items it did not learn from.

Shapes: T items, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.backbones import Encoder
from headstart.data import Dataset
from headstart.evaluation import (
    FittedHead,
    Interval,
    accuracy_interval,
    balanced_accuracy,
    calibration_error,
    confusion_matrix,
    features_of,
    tempered,
)


@dataclass(frozen=True)
class HeadScores:
    """Accuracy, and how far the probabilities can be believed."""

    accuracy: Interval
    balanced_accuracy: float
    calibration_error: float
    """Expected calibration error in 15 bins, 0…1."""
    confusion: Tensor
    """int64 C×C: a row a true class, a column a predicted one."""
    items: int


def score_head(
    encoder: Encoder,
    head: FittedHead,
    data: Dataset,
    index: Tensor,
    *,
    temperature: float | None,
    device: str,
    made: Tensor | None = None,
) -> HeadScores | None:
    """The scores on the items at the places `index`, which have labels; None where there are none.

    `made` are their features T×D, where they are known.
    """
    if not len(index):
        return None
    labels, classes = data.labels[index], len(data.classes)
    made = features_of(encoder, data, index, device=device) if made is None else made
    probabilities = tempered(head.predict(made), temperature)
    answers = probabilities.argmax(dim=1)
    return HeadScores(
        accuracy=accuracy_interval((answers == labels)[None, None].numpy()),
        balanced_accuracy=balanced_accuracy(answers, labels, classes),
        calibration_error=calibration_error(probabilities, labels),
        confusion=confusion_matrix(answers, labels, classes),
        items=len(index),
    )
