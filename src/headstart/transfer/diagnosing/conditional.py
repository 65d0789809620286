"""`conditional`: whether the same picture gets another label in the target, P(Y|X); takes labels of both sets.

A classifier learns from one side's labels and is judged on the other's, anew for every assignment of the domains: it
errs more across the true border than across chance ones where the labels mean something else beyond it. Where the
pictures are alike, domains are permuted within every label, which is an exact test whatever the class shares. Where
they differ but overlap, domains are permuted among items that look alike both to a classifier of the classes and to
that of the domains (subclassification, Rosenbaum and Rubin 1984). Where they hardly overlap nothing can be said: no
source item shows what the label would have been.
Shapes: N labelled items of both sets, D features, C classes, R rounds.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from headstart.transfer.diagnosing.chance import p_values, shuffled
from headstart.transfer.diagnosing.pool import Pool
from headstart.transfer.diagnosing.posteriors import Posteriors, posteriors
from headstart.transfer.diagnosing.separating import RIDGE
from headstart.transfer.diagnosing.shift import Level, Shift, untold

FEWEST = 20
"""Labelled target items below which nothing is tested."""
OVERLAP = 0.8
"""Area of the domain classifier above which too few items of one set look like those of the other."""
SUBCLASSES = 5
DIRECTIONS = 32
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
    labels, domain = pool.labels[mine], pool.domain[mine]
    groups = labels
    if marginal.found:
        groups = posteriors(pool, mine).predictions[mine] * SUBCLASSES + _subclasses(scores[mine])
    losses = losses_across(_reduced(pool.description.features[mine]), labels, shuffled(domain, groups, generator))
    evidence = _evidence(pool, known.predictions[mine], labels, domain, count)
    source, target = evidence["agreement"]["source"], evidence["agreement"]["target"]
    said = f"a classifier of the source agrees with {100 * source:.0f} % of its labels, and {100 * target:.0f} %"
    return level.verdict(
        "conditional",
        float(p_values(losses)[0]),
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


def losses_across(rows: Tensor, labels: Tensor, domains: Tensor) -> Tensor:
    """float64 R: for each assignment (uint8 N×R), the squared error on its target of a ridge regression of the labels
    (int64 N) on features (N×D) that learned from its source."""
    inputs = torch.nn.functional.pad(rows, (0, 1), value=1.0)
    answers = one_hot(labels).float()
    penalty = torch.eye(inputs.shape[1]) * RIDGE * len(rows) / rows.shape[1]
    penalty[-1, -1] = 0
    losses = []
    for drawn in domains.T.bool():
        known, asked = inputs[~drawn], inputs[drawn]
        weights = torch.linalg.solve(known.T @ known + penalty, known.T @ answers[~drawn])
        losses.append((asked @ weights - answers[drawn]).double().square().sum() / len(asked))
    # Rounded, so that equal assignments tie whatever the order they were summed in.
    return torch.stack(losses).mul(1e6).round()


def _reduced(rows: Tensor) -> Tensor:
    """float32 N×D: the leading directions of the features, for a thousand regressions."""
    _, vectors = torch.linalg.eigh((rows.T @ rows).double())
    reduced: Tensor = rows @ vectors.flip(1)[:, :DIRECTIONS].float()
    return reduced


def _evidence(pool: Pool, predicted: Tensor, labels: Tensor, domain: Tensor, count: int) -> dict[str, Any]:
    """How often the source's classifier and the labels agree, in all and in the classes where that changed most."""
    right = (predicted == labels).double()
    rows = []
    for place, name in enumerate(pool.classes):
        sides = [right[(labels == place) & (domain == side)] for side in (False, True)]
        if all(len(side) for side in sides):
            rows.append({"class": name, "source": float(sides[0].mean()), "target": float(sides[1].mean())})
    rows.sort(key=lambda row: -abs(row["source"] - row["target"]))  # type: ignore[operator]
    agreement = {"source": float(right[~domain].mean()), "target": float(right[domain].mean())}
    return {"target_labels": count, "agreement": agreement, "most_changed": rows[:SHOWN]}
