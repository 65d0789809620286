"""`class-shares`: whether the classes are as common in the target as in the source, P(Y).

Labels of all target items are counted. Without them the shares are estimated as in Lipton, Wang and Smola 2018, BBSE:
what a classifier answers on the target is a mixture, in the target's shares, of what it answers on each class of the
source. That holds where P(X|Y) is the same in both, so it is not tried where `marginal` was found.
Shapes: N items of both sets, C classes, R rounds.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from headstart.transfer.diagnosing.chance import p_values, shuffled
from headstart.transfer.diagnosing.pool import Pool
from headstart.transfer.diagnosing.posteriors import Posteriors
from headstart.transfer.diagnosing.shift import Level, Shift, untold

SHOWN = 5


def black_box_shares(predicted: Tensor, labels: Tensor, answers: Tensor, classes: int) -> Tensor:
    """float64 C: the shares of the classes among items of which only a classifier's `answers` are known.

    `predicted` and `labels` (int64 n) are the classifier's answers on items it has not learned from, and the truth.
    Solves the mixture by least squares, since a class that is never answered leaves it singular; shares below 0 are 0.
    """
    joint = one_hot(predicted, classes).double().T @ one_hot(labels, classes).double() / len(labels)
    seen = torch.bincount(answers, minlength=classes).double() / len(answers)
    ratios = torch.linalg.lstsq(joint, seen[:, None], driver="gelsd").solution[:, 0]
    shares: Tensor = (ratios * joint.sum(dim=0)).clamp_min(0)
    return shares / shares.sum()


def class_shares(
    pool: Pool, known: Posteriors | None, marginal: Shift, level: Level, generator: torch.Generator
) -> Shift:
    """The verdict; `known` is None where the source has no labels to learn from."""
    if known is None:
        return untold("class-shares", "The source has no labels of two classes or more.")
    if pool.all_labelled(target=True):
        strata = torch.zeros(len(pool), dtype=torch.int64)
        mine = pool.labels >= 0
        p_value = _chance(pool.labels[mine], pool.domain[mine], strata[mine], len(pool.classes), generator)
        target = pool.counts(target=True).double()
        return _verdict(pool, target / target.sum(), p_value, "counted", level)
    if not known.telling:
        return untold(
            "class-shares",
            f"The target's labels are missing, and the classes can't be told from these pictures "
            f"({100 * known.accuracy:.0f} % right).",
        )
    if marginal.found:
        return untold(
            "class-shares",
            "The pictures themselves differ, so a classifier's answers on the target tell nothing about its class "
            "shares: that takes labels of the target.",
        )
    answers = known.predictions
    source = pool.labelled(target=False)
    shares = black_box_shares(answers[source], pool.labels[source], answers[pool.domain], len(pool.classes))
    p_value = _chance(answers, pool.domain, pool.folds, len(pool.classes), generator)
    return _verdict(pool, shares, p_value, "estimated (BBSE)", level)


def _chance(answers: Tensor, domain: Tensor, strata: Tensor, classes: int, generator: torch.Generator) -> float:
    """The p-value of χ² between the answers' counts in both domains, by permutation within strata."""
    drawn = shuffled(domain, strata, generator).float()  # N×R
    chosen = one_hot(answers, classes)
    counts = chosen.sum(dim=0).double()[:, None]
    target = (chosen.float().T @ drawn).double()  # C×R
    source = (counts - target) / (~domain).sum()
    target /= domain.sum()
    expected = (counts / len(answers)).clamp_min(1e-12)
    # Rounded, so that columns with the same counts tie whatever the order they were summed in.
    return float(p_values(((target - source).square() / expected).sum(dim=0).mul(1e9).round())[0])


def _verdict(pool: Pool, shares: Tensor, p_value: float, how: str, level: Level) -> Shift:
    source = pool.counts(target=False).double()
    source = source / source.sum()
    evidence: dict[str, Any] = {
        "how": how,
        "source": _named(pool, source),
        "target": _named(pool, shares),
        "distance": float((source - shares).abs().sum() / 2),
    }
    order = (shares - source).abs().argsort(descending=True)[:SHOWN].tolist()
    moved = ", ".join(f"{pool.classes[c]} {100 * source[c]:.0f} → {100 * shares[c]:.0f} %" for c in order)
    return level.verdict(
        "class-shares",
        p_value,
        f"The classes are not as common in the target as in the source ({how}): {moved}.",
        f"The classes are about as common in the target as in the source ({how}).",
        evidence,
    )


def _named(pool: Pool, shares: Tensor) -> dict[str, float]:
    return dict(zip(pool.classes, shares.tolist(), strict=True))
