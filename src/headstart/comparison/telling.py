"""How many more labels would tell the two best routes apart, where labels are what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headstart.comparison.leaderboard import UNFINISHED

Row = Mapping[str, Any]

SMALLEST = 0.01
"""A difference of accuracies below which nobody should label items to see which of two routes is better."""


class Telling(NamedTuple):
    """What it would take."""

    more_labels: int | None
    """About so many; None where it isn't labels that are missing, or more of them won't help."""
    sentence: str


def telling(
    rows: Sequence[Row], paired: Sequence[Row], labels: Sequence[int | str], *, items: int, unlabelled: int
) -> Telling | None:
    """What would tell the two best routes apart at the largest number of labels; None where it is told, or none are.

    Half an interval's width shrinks as one over the square root of the `items` judged on: labels until it is as small
    as the difference are missing, if that stays as it is.
    """
    at = labels[-1] if labels else None
    scored = [row for row in rows if row["labels_per_class"] == at and row["accuracy"] is not None]
    ranked = sorted((row for row in scored if row["state"] not in UNFINISHED), key=lambda row: -row["accuracy"])
    names = {row["route"] for row in ranked[:2]}
    pair = next((p for p in paired if p["labels_per_class"] == at and {p["a"], p["b"]} == names), None)
    if pair is None or pair["verdict"] != "tie":
        return None
    first, second = (row["route"] for row in ranked[:2])
    difference = abs(pair["difference"])
    untold = f"{first} and {second} can't be told apart"
    if difference < SMALLEST:
        return Telling(None, f"{untold}, and more labels won't help: they differ by less than one point.")
    low, high = pair["corrected"]
    more = _rounded(items * ((high - low) / 2 / difference) ** 2 - items)
    sentence = f"{untold} yet: about {more:,} more labels would do it, if they keep differing by {difference:.1%}"
    if more > unlabelled:
        sentence += f"; only {unlabelled:,} items here have none"
    return Telling(more, f"{sentence}.".replace("%", " points"))


def _rounded(count: float) -> int:
    """Upwards to two significant digits, and at least 1."""
    whole = max(math.ceil(count), 1)
    unit = int(10 ** max(len(str(whole)) - 2, 0))
    return -(-whole // unit) * unit
