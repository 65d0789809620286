"""Which items to label next, and what labels chosen so would have been worth.

Picks are made from training features alone, without any label where they are simulated; test items take no part.
Shapes: M training items, T test items, R repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from headstart.comparison.context import Context
from headstart.comparison.routes import AllOrNumber
from headstart.evaluation import HEADS, Bank, Judgement, Labelled, Queries
from headstart.transfer import Candidates

ITEMS = 20
"""Items to label next that a comparison names."""

REPEATS = 10
"""Simulated suggestions, each from other starts of the clusters."""

SIMULATED, FEW = 4_000, 50
"""Training items that a simulation picks from, and labels that it picks, at most: what is picked matters while labels
are few, and clusters cost time in proportion to them."""


def next_to_label(bank: Bank, context: Context) -> dict[str, Tensor]:
    """`to_label`: int64 places of the items to label next by these features; nothing where all have labels."""
    labels = context.data.labels[context.train]
    if bool((labels >= 0).all()):
        return {}
    picks = Candidates(bank.features, labels).suggest(ITEMS, classes=context.data.classes)
    return {"to_label": context.train[[pick.place for pick in picks]]}


def suggested_answers(bank: Bank, test: Tensor, judgement: Judgement, context: Context) -> dict[str, Tensor]:
    """`suggested/<k>`: bool R×T, whether a head is right that was given the labels of k × classes suggested items.

    `test` are T×D features of the judgement's items. The head is the one that the route has at k labels a class.
    Nothing where a pick has no label, nor above `FEW` labels.
    """
    labels, classes = context.data.labels[context.train], len(context.data.classes)
    asked = Queries(test)
    unknown = Candidates(bank.features, torch.full_like(labels, -1), most=SIMULATED)
    found = {}
    for k in context.labels:
        count = 0 if k == "all" else k * classes
        if not 0 < count <= min(FEW, len(unknown.free) - 1):
            continue
        picks = [torch.tensor([pick.place for pick in unknown.suggest(count, seed=seed)]) for seed in range(REPEATS)]
        if all(bool((labels[index] >= 0).all()) for index in picks):
            found[f"suggested/{k}"] = _answers(picks, labels, bank, asked, judgement, k) == judgement.test_labels
    return found


def _answers(
    picks: Sequence[Tensor], labels: Tensor, bank: Bank, asked: Queries, judgement: Judgement, k: AllOrNumber
) -> Tensor:
    """int R×T classes from the labels of each pick."""
    chosen = judgement.chosen(k)
    name = max(sorted(set(chosen)), key=chosen.count)
    draws = [_draw(index.sort().values, labels, name) for index in picks]
    trials = HEADS[name].fit_draws(bank, draws, len(judgement.classes))
    return torch.stack([trial.fitted.predict(asked).argmax(dim=1) for trial in trials])


def _draw(index: Tensor, labels: Tensor, head: str) -> Labelled:
    """The labels at these rows; with folds for the head that has a setting to choose by them."""
    return Labelled.of(index, labels[index]) if head == "linear" else Labelled(index, labels[index], None)
