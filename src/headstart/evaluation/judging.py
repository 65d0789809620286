"""Judging one representation: every head, number of labels and draw, on features made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import torch
from torch import Tensor

from headstart.errors import InputError
from headstart.evaluation.bank import Bank, Queries
from headstart.evaluation.exam import Exam, held_out
from headstart.evaluation.heads import HEADS
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
    exam = held_out(
        train_labels,
        test_labels[scored],
        classes,
        labels_per_class=labels_per_class,
        draws=draws,
        split_seed=split_seed,
    )
    return examine(bank, test_features[scored], exam)


def examine(bank: Bank, asked: Tensor, exam: Exam, heads: Sequence[str] = tuple(HEADS)) -> Judgement:
    """Every head's answers to an exam, or those of some, from features T×D of the items it asks about.

    Nothing is shared between sittings but the bank's neighbour search: heads, their settings and the choice among them
    come from the labels that are in sight, and standardisation and graph from the rows that are.
    """
    cells = list(product(exam.labels_per_class, heads))
    answers = {(k, name): torch.empty(exam.draws(k), len(asked), dtype=torch.int16) for k, name in cells}
    fits = {k: torch.empty(exam.draws(k), len(asked), dtype=torch.int16) for k in exam.labels_per_class}
    top5 = {cell: torch.empty_like(answers[cell], dtype=torch.bool) for cell in cells}
    validation: dict[Cell, tuple[float | None, ...]] = dict.fromkeys(cells, ())
    settings: dict[Cell, tuple[Mapping[str, float | str], ...]] = dict.fromkeys(cells, ())
    for sitting in exam.sittings:
        there = bank.without(sitting.hidden) if len(sitting.hidden) else bank
        rows = sitting.rows(len(bank))
        queries, truth = Queries(asked[sitting.asked]), exam.truth[sitting.asked]
        for k, name in cells:
            drawn = [draw.among(rows) for draw in sitting.draws[k]]
            with threads_for(len(there) * len(queries)):
                trials = HEADS[name].fit_draws(there, drawn, len(exam.classes))
                probabilities = [trial.fitted.predict(queries) for trial in trials]
            for number, each in enumerate(probabilities):
                place = sitting.first + number, sitting.asked
                answers[k, name][place] = each.argmax(dim=1).short()
                top5[k, name][place] = top_k_hits(each, truth, 5)
                fits[k][place] = len(validation[k, name]) + number
            validation[k, name] += tuple(trial.accuracy for trial in trials)
            settings[k, name] += tuple(dict(trial.fitted.settings) for trial in trials)
    kept = top5 if len(exam.classes) >= TOP_FIVE_FROM else {}
    return Judgement(exam.classes, exam.labels_per_class, exam.truth.short(), answers, validation, settings, kept, fits)


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
