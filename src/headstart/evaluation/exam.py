"""What a representation is asked: which items, and whose labels may be known meanwhile.

Where a test part is held out, all its items are asked about at every draw of the training labels. Where labels are too
few for that, cross-validation asks about the labelled items themselves, a fold at a time, repeated: an item is never
asked about while its own label, or it itself in the bank, is in sight.
Shapes: M rows of a bank, T items asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.errors import InputError
from headstart.evaluation.draws import judging_folds, label_draws
from headstart.evaluation.heads import Labelled
from headstart.evaluation.judgement import LabelCount


@dataclass(frozen=True)
class Sitting:
    """Items asked about together, from the same bank."""

    asked: Tensor
    """int64: places among the T items of the exam."""
    hidden: Tensor
    """int64: rows that the bank must not have meanwhile; none where it never has the items asked about."""
    first: int
    """The number of the first of its draws."""
    draws: Mapping[LabelCount, Sequence[Labelled]]
    """By number of labels a class: rows of the whole bank whose labels are known; one answer an item to each."""

    def rows(self, items: int) -> Tensor:
        """int64, ascending: the rows that are in sight of a bank of so many."""
        seen = torch.ones(items, dtype=torch.bool)
        seen[self.hidden] = False
        return torch.nonzero(seen).flatten()


@dataclass(frozen=True)
class Exam:
    """All sittings: together they ask about every item once a draw."""

    classes: tuple[str, ...]
    labels_per_class: tuple[LabelCount, ...]
    truth: Tensor
    """int64 T."""
    sittings: Sequence[Sitting]

    def draws(self, k: LabelCount) -> int:
        """Label draws at k labels a class."""
        return max(sitting.first + len(sitting.draws[k]) for sitting in self.sittings)


def held_out(
    labels: Tensor,
    truth: Tensor,
    classes: Sequence[str],
    *,
    labels_per_class: Sequence[LabelCount],
    draws: int,
    split_seed: int,
) -> Exam:
    """Test items with labels `truth` (int64 T), asked about from draws of the bank's `labels` (int64 M, -1: none).

    Raises `InputError` where a class is too small.
    """
    drawn = {k: draws_of(labels, k, draws, split_seed, classes) for k in labels_per_class}
    sitting = Sitting(torch.arange(len(truth)), torch.empty(0, dtype=torch.int64), 0, drawn)
    return Exam(tuple(classes), tuple(labels_per_class), truth, [sitting])


def cross_validated(
    labels: Tensor,
    classes: Sequence[str],
    *,
    labels_per_class: Sequence[LabelCount],
    repeats: int,
    split_seed: int,
    groups: Tensor | None = None,
) -> Exam:
    """The labelled items among a bank's (`labels`, int64 M, -1: none), each asked about once a repeat.

    `groups` (int64 M) has equal numbers for duplicates, which are asked about together. Raises `InputError` where a
    class is too small.
    """
    rows = torch.nonzero(labels >= 0).flatten()
    sittings = []
    for repeat in range(repeats):
        fold = _folds(labels, rows, groups, split_seed, repeat)
        if fold is None:
            raise InputError("Cross-validation needs two different labelled items of every class: label more of them.")
        for number in range(int(fold.max()) + 1):
            hidden = rows[fold == number]
            known = labels.clone()
            known[hidden] = -1
            drawn = {k: _drawn(labels, known, k, repeat, split_seed, classes) for k in labels_per_class}
            sittings.append(Sitting(torch.nonzero(fold == number).flatten(), hidden, repeat, drawn))
    return Exam(tuple(classes), tuple(labels_per_class), labels[rows], sittings)


def fewest_known(
    labels: Tensor, classes: Sequence[str], *, repeats: int, split_seed: int, groups: Tensor | None = None
) -> list[int]:
    """The labels of each class that are in sight in every sitting of `cross_validated`: as many can be asked for."""
    rows = torch.nonzero(labels >= 0).flatten()
    whole = torch.bincount(labels[rows], minlength=len(classes))
    fewest = whole.clone()
    for repeat in range(repeats):
        fold = _folds(labels, rows, groups, split_seed, repeat)
        if fold is None:
            return [count if count > 1 else 0 for count in _distinct(labels[rows], rows, groups, len(classes))]
        for number in range(int(fold.max()) + 1):
            asked = torch.bincount(labels[rows[fold == number]], minlength=len(classes))
            fewest = torch.minimum(fewest, whole - asked)
    return [int(count) for count in fewest]


def draws_of(labels: Tensor, k: LabelCount, draws: int, split_seed: int, classes: Sequence[str]) -> list[Labelled]:
    """`draws` of k labels a class, or the one of all labels."""
    if k == "all":
        chosen = [torch.nonzero(labels >= 0).flatten()]
    else:
        chosen = label_draws(labels, k, draws, split_seed, classes)
    return [Labelled.of(index, labels[index], split_seed, draw) for draw, index in enumerate(chosen)]


def _drawn(
    labels: Tensor, known: Tensor, k: LabelCount, repeat: int, split_seed: int, classes: Sequence[str]
) -> list[Labelled]:
    """The draw of this repeat, from the labels that are `known` (int64 M, -1: none, or out of sight)."""
    if k == "all":
        index = torch.nonzero(known >= 0).flatten()
    else:
        (index,) = label_draws(labels, k, 1, split_seed, classes, first=repeat, allowed=known >= 0)
    return [Labelled.of(index, labels[index], split_seed, repeat)]


def _folds(labels: Tensor, rows: Tensor, groups: Tensor | None, split_seed: int, repeat: int) -> Tensor | None:
    return judging_folds(labels[rows], rows if groups is None else groups[rows], split_seed, repeat)


def _distinct(labels: Tensor, rows: Tensor, groups: Tensor | None, classes: int) -> list[int]:
    """How many different items each class has, duplicates counted once."""
    pairs = torch.stack([labels, rows if groups is None else groups[rows]], dim=1)
    return torch.bincount(torch.unique(pairs, dim=0)[:, 0], minlength=classes).tolist()
