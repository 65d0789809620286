"""Rows, paired verdicts and the best route, from the outcomes of all routes.

Test labels are used here and nowhere before: they report, and they choose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import mean
from typing import Any, NamedTuple

from torch import Tensor

from headstart.comparison.outcomes import Outcome
from headstart.comparison.routes import DEFAULT_ORDER, WITH_LABELS, AllOrNumber
from headstart.comparison.suggested import suggested_figures
from headstart.evaluation import accuracy_interval, paired, verdicts

Row = dict[str, Any]

CROSS_VALIDATION = "cross-validation on the training labels"
UNFINISHED = ("cut", "dropped")


def leaderboard_rows(outcomes: Sequence[Outcome], labels: Sequence[AllOrNumber]) -> list[Row]:
    """One row per route and number of labels, as leaderboard.json has them; `labels` is empty where there are none."""
    rows = []
    for outcome in outcomes:
        judged = [k for k in labels if outcome.judged(k)]
        rows += [_empty_row(outcome, k) | _figures(outcome, k) for k in judged]
        if not judged:
            rows += [_empty_row(outcome, k) for k in labels or (None,) if k is None or outcome.route.takes(k)]
    return rows


def _empty_row(outcome: Outcome, k: AllOrNumber | None) -> Row:
    return {
        "route": outcome.name,
        "labels_per_class": k,
        "accuracy": None,
        "interval": None,
        "balanced_accuracy": None,
        "head": None,
        "head_chosen_by": None,
        "heads": {},
        "draws": 0,
        "suggested": None,
        "seeds": outcome.seeds,
        "seconds": outcome.seconds,
        "peak_memory_bytes": outcome.peak_memory_bytes,
        "state": outcome.state,
        "why": outcome.why,
        "collapsed": outcome.collapsed,
        "run": outcome.run,
    }


def _figures(outcome: Outcome, k: AllOrNumber) -> Row:
    first = outcome.judgements[0]
    figures: Row = _accuracy(outcome, k, "chosen")
    figures["balanced_accuracy"] = mean(judgement.balanced_accuracy(k) for judgement in outcome.judgements)
    top5 = [judgement.top5_accuracy(k) for judgement in outcome.judgements]
    if None not in top5:
        figures["top5_accuracy"] = mean(value for value in top5 if value is not None)
    figures["head"], figures["head_chosen_by"] = outcome.head(k), first.chosen_by(k)
    figures["heads"] = {head: _accuracy(outcome, k, head) for head in first.heads(k)}
    figures["draws"] = first.draws(k)
    figures["suggested"] = suggested_figures(outcome, k)
    return figures


def _accuracy(outcome: Outcome, k: AllOrNumber, head: str) -> Row:
    accuracy, low, high = accuracy_interval(outcome.correct(k, head))
    return {"accuracy": accuracy, "interval": [low, high]}


def paired_rows(outcomes: Sequence[Outcome], labels: Sequence[AllOrNumber]) -> list[Row]:
    """Every pair of routes at each number of labels: difference, 95 % interval, and Holm's verdict over those pairs.

    No verdict but "tie" is given over a route that the budget cut short or left behind. Routes with unequally many
    draws are compared on the first ones, which both have.
    """
    rows = []
    for k in labels:
        judged = {outcome.name: outcome for outcome in outcomes if outcome.judged(k)}
        correct = {name: outcome.correct(k) for name, outcome in judged.items()}
        pairs = list(combinations(judged, 2))
        found = [paired(*_same_draws(correct[a], correct[b])) for a, b in pairs]
        for (a, b), difference, judged_pair in zip(pairs, found, verdicts(found), strict=True):
            loser = {"a": b, "b": a}.get(judged_pair.verdict)
            unfinished = loser is not None and judged[loser].state in UNFINISHED
            rows.append(
                {
                    "a": a,
                    "b": b,
                    "labels_per_class": k,
                    "difference": difference.difference,
                    "interval": list(difference.interval()),
                    "corrected": [judged_pair.low, judged_pair.high],
                    "p_value": judged_pair.p_value,
                    "verdict": "tie" if unfinished else judged_pair.verdict,
                }
            )
    return rows


def _same_draws(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The first draws of bool S×D×T, as many as both have."""
    draws = min(a.shape[1], b.shape[1])
    return a[:, :draws], b[:, :draws]


class Best(NamedTuple):
    """The route to keep."""

    outcome: Outcome
    labels_per_class: AllOrNumber
    chosen_by: str


def best_route(outcomes: Sequence[Outcome], labels: Sequence[AllOrNumber]) -> Best | None:
    """The route to keep, chosen without test labels; None where nothing was judged.

    It is the best by cross-validation on the training labels at the largest number of labels; where there were too few
    for that, the first in the written-down order of preference. `scratch` has an encoder for every draw of the labels,
    and in cross-validation `supervised` one for every fold, none of which is the one to keep: never the best.
    """
    judged = [o for o in outcomes if o.judgements and not _has_many(o)]
    for k in reversed(labels):
        scores = {o.name: o.selection(k) for o in judged if o.judged(k)}
        selectable = [o for o in judged if scores.get(o.name) is not None]
        if selectable:
            return Best(max(selectable, key=lambda o: scores[o.name] or 0.0), k, CROSS_VALIDATION)
    for k in reversed(labels):
        present = [o for o in judged if o.judged(k)]
        if present:
            return Best(min(present, key=lambda o: DEFAULT_ORDER.index(o.route.kind)), k, "default")
    return None


def _has_many(outcome: Outcome) -> bool:
    """Whether a route has a network for every draw or fold."""
    first = outcome.judgements[0]
    return outcome.route.kind in WITH_LABELS and any(first.fitted(k) > 1 for k in first.labels_per_class)
