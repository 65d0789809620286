"""`conditional`: whether the same picture gets another label in the target, P(Y|X); takes labels of both sets.

Where the pictures are alike, what a classifier of the source says about items of one true class must not depend on the
domain: domains are permuted within class and fold. Where they differ but overlap, items are compared that look alike
both to that classifier and to the domain classifier (subclassification, Rosenbaum and Rubin 1984). Where they hardly
overlap nothing can be said: no source item shows what the label would have been.
Shapes: N labelled items of both sets, C classes, R rounds.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from headstart.transfer.diagnosing.chance import p_values, shuffled
from headstart.transfer.diagnosing.pool import FOLDS, Pool
from headstart.transfer.diagnosing.posteriors import Posteriors
from headstart.transfer.diagnosing.shift import Level, Shift, untold

FEWEST = 20
"""Labelled target items below which nothing is tested."""
OVERLAP = 0.8
"""Area of the domain classifier above which too few items of one set look like those of the other."""
SUBCLASSES = 5
SHOWN = 3


def conditional(
    pool: Pool, known: Posteriors | None, marginal: Shift, scores: Tensor, level: Level, generator: torch.Generator
) -> Shift:
    """The verdict; `scores` (N) are those of the domain classifier."""
    count = int(pool.labelled(target=True).sum())
    area = float(marginal.evidence.get("auc", 0.5))
    missing = _missing(known, marginal, count, area)
    if missing or known is None:
        return untold("conditional", missing, {"target_labels": count})
    mine = pool.labels >= 0
    labels, domain, probabilities = pool.labels[mine], pool.domain[mine], known.probabilities[mine]
    if marginal.found:
        predicted = probabilities.argmax(dim=1)
        groups = predicted * SUBCLASSES + _subclasses(scores[mine])
        strata, values = groups, one_hot(labels, len(pool.classes)).double() - probabilities
    else:
        groups, strata, values = labels, labels * FOLDS + pool.folds[mine], probabilities
    statistics = _distance(values, groups, shuffled(domain, strata, generator))
    evidence = _evidence(pool, labels, domain, probabilities, count)
    source, target = evidence["agreement"]["source"], evidence["agreement"]["target"]
    said = f"a classifier of the source agrees with {100 * source:.0f} % of its labels, and {100 * target:.0f} %"
    return level.verdict(
        "conditional",
        float(p_values(statistics)[0]),
        f"Pictures that look alike are labelled differently: {said} of the target's.",
        f"Pictures that look alike have the same labels in both sets: {said} of the target's.",
        evidence,
    )


def _missing(known: Posteriors | None, marginal: Shift, count: int, area: float) -> str:
    """Why nothing can be said; empty where something can."""
    if known is None:
        return "The source has no labels of two classes or more."
    if count < FEWEST:
        held = "has no labels" if count == 0 else f"has {count} label{'s' if count > 1 else ''} only"
        return f"The target {held}: it takes at least {FEWEST}."
    if marginal.found and area > OVERLAP:
        return (
            f"The domains hardly overlap (area under the curve {area:.2f}): no item of the source shows what label a "
            "picture like the target's would have there."
        )
    if not known.telling:
        return f"The classes can't be told from these pictures ({100 * known.accuracy:.0f} % right)."
    return ""


def _subclasses(scores: Tensor) -> Tensor:
    """int64 N: five parts of equal size, from the least like the target to the most."""
    return scores.argsort().argsort() * SUBCLASSES // len(scores)


def _distance(values: Tensor, groups: Tensor, domains: Tensor) -> Tensor:
    """float64 R: squared distances between the domains' mean values (N×C) in each group, summed by their size."""
    total = torch.zeros(domains.shape[1], dtype=torch.float64)
    for group in torch.unique(groups):
        mine = groups == group
        drawn, part = domains[mine].double(), values[mine]
        target = drawn.sum(dim=0)
        source = len(part) - target
        sums = part.T @ drawn  # C×R
        gap = sums / target.clamp_min(1) - (part.sum(dim=0)[:, None] - sums) / source.clamp_min(1)
        total += gap.square().sum(dim=0) * target * source / len(part)
    # Rounded, so that equal assignments tie whatever the order they were summed in.
    return total.mul(1e9).round()


def _evidence(pool: Pool, labels: Tensor, domain: Tensor, probabilities: Tensor, count: int) -> dict[str, Any]:
    """How often the classifier and the labels agree, in all and in the classes where that changed most."""
    right = (probabilities.argmax(dim=1) == labels).double()
    rows = []
    for place, name in enumerate(pool.classes):
        sides = [right[(labels == place) & (domain == side)] for side in (False, True)]
        if all(len(side) for side in sides):
            rows.append({"class": name, "source": float(sides[0].mean()), "target": float(sides[1].mean())})
    rows.sort(key=lambda row: -abs(row["source"] - row["target"]))  # type: ignore[operator]
    agreement = {"source": float(right[~domain].mean()), "target": float(right[domain].mean())}
    return {"target_labels": count, "agreement": agreement, "most_changed": rows[:SHOWN]}
