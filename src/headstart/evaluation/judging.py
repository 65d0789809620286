"""Judging one representation: every head, number of labels and draw, on features made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import torch
from torch import Tensor

from headstart.errors import InputError
from headstart.evaluation.bank import Bank, Queries
from headstart.evaluation.draws import label_draws
from headstart.evaluation.heads import HEADS, Labelled
from headstart.evaluation.judgement import Cell, Judgement, LabelCount
from headstart.evaluation.scores import top_k_hits
from headstart.evaluation.threads import threads_for

TOP_FIVE_FROM = 11
"""Classes from which the five most probable say something."""


def judge(
    bank: Bank,
    train_labels: Tensor,
    test_features: Tensor,
    test_labels: Tensor,
    classes: Sequence[str],
    *,
    labels_per_class: Sequence[LabelCount] = (1, 5, 10, "all"),
    draws: int = 10,
    split_seed: int = 0,
) -> Judgement:
    """Predictions of every head for test features T×D, from few-label draws of `train_labels` (int64 M, -1: none).

    Test items without a label (-1) are left out. Heads are fitted and chosen on the bank and the training labels alone;
    `test_labels` (int64 T) are only kept beside the predictions. Raises `InputError` where a class is too small.
    """
    _check(bank, train_labels, test_features, test_labels, classes)
    scored = test_labels >= 0
    queries, truth = Queries(test_features[scored]), test_labels[scored]
    predictions: dict[Cell, Tensor] = {}
    validation: dict[Cell, tuple[float | None, ...]] = {}
    settings: dict[Cell, tuple[Mapping[str, float | str], ...]] = {}
    top5: dict[Cell, Tensor] = {}
    drawn = {k: draws_of(train_labels, k, draws, split_seed, classes) for k in labels_per_class}
    for k, name in product(labels_per_class, HEADS):
        with threads_for(len(bank) * len(queries)):
            trials = HEADS[name].fit_draws(bank, drawn[k], len(classes))
            probabilities = [trial.fitted.predict(queries) for trial in trials]
        predictions[k, name] = torch.stack([each.argmax(dim=1) for each in probabilities]).short()
        validation[k, name] = tuple(trial.accuracy for trial in trials)
        settings[k, name] = tuple(dict(trial.fitted.settings) for trial in trials)
        if len(classes) >= TOP_FIVE_FROM:
            top5[k, name] = torch.stack([top_k_hits(each, truth, 5) for each in probabilities])
    counts = tuple(labels_per_class)
    return Judgement(tuple(classes), counts, truth.short(), predictions, validation, settings, top5)


def draws_of(labels: Tensor, k: LabelCount, draws: int, split_seed: int, classes: Sequence[str]) -> list[Labelled]:
    """The draws every route is judged on: `draws` of k labels a class, or the one of all labels."""
    if k == "all":
        chosen = [torch.nonzero(labels >= 0).flatten()]
    else:
        chosen = label_draws(labels, k, draws, split_seed, classes)
    return [Labelled.of(index, labels[index], split_seed, draw) for draw, index in enumerate(chosen)]


def _check(
    bank: Bank, train_labels: Tensor, test_features: Tensor, test_labels: Tensor, classes: Sequence[str]
) -> None:
    if len(train_labels) != len(bank) or len(test_labels) != len(test_features):
        raise ValueError("one label (or -1) an item is needed, in the order of the features")
    present = int((torch.bincount(train_labels[train_labels >= 0], minlength=len(classes)) > 0).sum())
    if present < 2:
        raise InputError(f"Judging needs labels of two classes or more among the training items; there are {present}.")
    if not (test_labels >= 0).any():
        raise InputError("No test item has a label, so nothing can be judged. Label some, or name a test split.")
