"""`marginal`: whether the pictures differ by more than class shares explain, P(X).

A domain classifier's cross-validated area under the curve and the kernel two-sample statistic (MMD), both against the
same random assignments of the domains, drawn with the chances that class shares alone would give each item. Evidence
says what gives the sets away: named properties, and the items that look least like the other set.
Shapes: N items of both sets, T named properties.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from headstart.transfer.diagnosing.chance import joint_p_value, p_values, redrawn
from headstart.transfer.diagnosing.pool import Pool
from headstart.transfer.diagnosing.posteriors import Posteriors
from headstart.transfer.diagnosing.propensity import propensity
from headstart.transfer.diagnosing.separating import (
    area_under_curve,
    discrepancy,
    domain_scores,
    mmd_squared,
    separation,
)
from headstart.transfer.diagnosing.shift import Level, Shift

TELLING = 5
"""Items of each set that are named."""
MARKED = 0.2
"""Standard deviations between the sets from which a named property is mentioned."""


def marginal(
    pool: Pool, known: Posteriors | None, level: Level, generator: torch.Generator, *, resized: bool = False
) -> tuple[Shift, Tensor]:
    """The verdict, and float32 N: how much like the target each item looks to a classifier that hasn't seen it.

    `resized` says that the target's pictures were brought to the source's form, which may be what is found.
    """
    explained = propensity(pool, known)
    rows = explained.unexplained(pool.description.features)
    domains = redrawn(pool.domain, explained.chances, generator)
    residuals = explained.residuals(domains)
    weights = explained.chances / (1 - explained.chances)
    areas = separation(rows, residuals, domains, pool.folds, weights)
    distances, bandwidth = discrepancy(pool.description.features, residuals, generator)
    scores = domain_scores(rows, residuals[:, :1], pool.folds)[:, 0]
    adjusted = explained.basis.shape[1] > 1
    properties = _properties(pool, weights)
    evidence: dict[str, Any] = {
        "auc": float(areas[0]),
        "auc_p_value": float(p_values(areas)[0]),
        "mmd_squared": mmd_squared(float(distances[0]), residuals[:, 0], pool.domain),
        "mmd_bandwidth": bandwidth,
        "mmd_p_value": float(p_values(distances)[0]),
        "adjusted_for_class_shares": adjusted,
        "properties": properties,
        "most_unlike": _most_unlike(pool, scores),
    }
    marked = [one for one in properties if abs(one["difference"]) >= MARKED][:3]
    clues = ", ".join(f"{one['name']} {one['source']:.2f} → {one['target']:.2f}" for one in marked)
    found = (
        f"The pictures differ{' by more than class shares explain' if adjusted else ''}: a classifier tells them apart "
        f"with an area under the curve of {evidence['auc']:.2f} (0.5 is chance)"
        f"{f'; {clues}' if clues else ', by no single property'}.{_doubt(known, resized)}"
    )
    clear = (
        f"The pictures can't be told apart{' beyond what class shares explain' if adjusted else ''}: "
        f"area under the curve {evidence['auc']:.2f} (0.5 is chance)."
    )
    p_value = joint_p_value(areas, distances)
    return level.verdict("marginal", p_value, found, clear, evidence), scores


def _doubt(known: Posteriors | None, resized: bool) -> str:
    """What else than the pictures may have been found."""
    doubts = []
    if known is None:
        doubts.append("other class shares alone could do this, which takes labels of the source to tell")
    elif not known.telling:
        doubts.append("other class shares alone could do this: the classes can't be told from these pictures")
    if resized:
        doubts.append("having been brought to the source's size and colours may be part of it")
    return "".join(f" {one[0].upper()}{one[1:]}." for one in doubts)


def _properties(pool: Pool, weights: Tensor) -> list[dict[str, Any]]:
    """Means of every named property in both sets, the source weighted to the target's class shares; strongest first."""
    named, domain = pool.description.named.double(), pool.domain
    shares = weights[~domain] / weights[~domain].sum()
    source, target = shares @ named[~domain], named[domain].mean(dim=0)
    spread = (named[~domain].var(dim=0) + named[domain].var(dim=0)).div(2).sqrt().clamp_min(1e-9)
    areas = area_under_curve(named, domain[:, None].expand_as(named).to(torch.uint8), weights)
    rows = [
        {
            "name": name,
            "source": float(source[place]),
            "target": float(target[place]),
            "difference": float((target - source)[place] / spread[place]),
            "auc": float(areas[place]),
        }
        for place, name in enumerate(pool.description.names)
    ]
    return sorted(rows, key=lambda row: -abs(row["difference"]))


def _most_unlike(pool: Pool, scores: Tensor) -> dict[str, list[str]]:
    """Ids of the target's items that look least like the source, and the other way round."""
    places = torch.arange(len(pool))
    target, source = places[pool.domain], places[~pool.domain]
    return {
        "target": [pool.ids[place] for place in target[scores[target].argsort(descending=True)[:TELLING]].tolist()],
        "source": [pool.ids[place] for place in source[scores[source].argsort()[:TELLING]].tolist()],
    }
