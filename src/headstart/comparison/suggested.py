"""What the routes' suggestions came to, over all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from headstart.comparison.outcomes import Outcome
from headstart.comparison.routes import DEFAULT_ORDER, AllOrNumber
from headstart.evaluation import accuracy_interval


def suggested_figures(outcome: Outcome, k: AllOrNumber) -> dict[str, Any] | None:
    """The row's `suggested`: labels, accuracy and interval; None where it was not simulated for every seed."""
    name = f"suggested/{k}"
    if not outcome.taken or any(name not in taken.sample for taken in outcome.taken):
        return None
    accuracy, low, high = accuracy_interval(torch.stack([taken.sample[name] for taken in outcome.taken]))
    classes = len(outcome.judgements[0].classes)
    return {"labels": int(k) * classes, "accuracy": accuracy, "interval": [low, high]}


def to_label(outcomes: Sequence[Outcome], best: Outcome | None) -> Tensor:
    """int64 places of the items to label next: the best route's choice, or without one the most trusted kind's."""
    having = [outcome for outcome in outcomes if outcome.taken and "to_label" in outcome.taken[0].sample]
    having.sort(key=lambda outcome: (outcome is not best, DEFAULT_ORDER.index(outcome.route.kind)))
    return having[0].taken[0].sample["to_label"] if having else torch.empty(0, dtype=torch.int64)
