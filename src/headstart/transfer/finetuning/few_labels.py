"""What a head on frozen features would reach with fewer labels: the features are there anyway.

Shapes: n labelled items, T items asked about, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from headstart.evaluation import Bank, FittedHead, accuracy_interval, examine, held_out

COUNTS = (1, 2, 5, 10, 20, 50, 100)
"""Labels a class, as far as every class has more."""

DRAWS = 10

CHEAP = 4_000
"""Labels of a draw times classes up to which a fit is cheap: what it costs grows with both."""

HEAD = "linear"


@dataclass(frozen=True)
class LabelCurve:
    """Accuracy by labels a class, up to all there are."""

    rows: Sequence[Mapping[str, Any]] = ()
    """labels_per_class, accuracy, interval and draws, in JSON; from few labels to "all", which is the solved head."""
    missing: str = ""
    """Why there is no curve."""


def why_missing(labels: Tensor, asked: int, classes: Sequence[str]) -> str:
    """What a curve lacks, in a sentence, where one can't be drawn; else nothing.

    Of `labels` (int64 n) to learn from and so many items asked about.
    """
    if not asked:
        return "There is no test part to draw a curve over numbers of labels on."
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    fewest = min(counts)
    if fewest < 2:
        rare = classes[counts.index(fewest)]
        return f"A curve over numbers of labels takes two of each class or more; '{rare}' has {fewest} to learn from."
    return ""


def label_curve(
    features: Tensor,
    labels: Tensor,
    asked: Tensor,
    truth: Tensor,
    classes: Sequence[str],
    solved: FittedHead,
    *,
    split_seed: int,
) -> LabelCurve:
    """The curve of heads like the one `solved` on `features` n×D, on T×D items `asked` with labels `truth` (int64 T).

    Draws are those that `evaluate` and `compare` would make of these labels.
    """
    missing = why_missing(labels, len(asked), classes)
    if missing:
        return LabelCurve(missing=missing)
    fewest, most = int(torch.bincount(labels).min()), max(len(labels) / DRAWS, CHEAP / len(classes))
    counts = [k for k in COUNTS if k < fewest and (k == 1 or k * len(classes) <= most)]  # all draws cost one whole fit
    exam = held_out(labels, truth, classes, labels_per_class=counts, draws=DRAWS, split_seed=split_seed)
    judged = examine(Bank(features), asked, exam, heads=[HEAD])
    whole = solved.predict(asked).argmax(dim=1) == truth
    return LabelCurve([*(_row(k, judged.correct(k, HEAD)) for k in counts), _row("all", whole[None])])


def _row(k: int | str, correct: Tensor) -> dict[str, Any]:
    """A row of the curve, from bool draws × T."""
    mean, low, high = accuracy_interval(correct[None].numpy())
    return {"labels_per_class": k, "accuracy": mean, "interval": [low, high], "draws": len(correct)}
