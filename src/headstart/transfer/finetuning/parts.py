"""Which labelled items are learned from, which say when to stop, and which the result is reported on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.data import Dataset
from headstart.errors import InputError
from headstart.evaluation import draws_of
from headstart.transfer.learnable import require_learnable

FOLD = 0
"""The fold of the training labels that is held out where there is no val part beside a test part."""

VAL = "val"
"""What chose the weights where a part of its own did."""

TEST = "the test part"
"""What chose them where there is no such part and something had to."""


@dataclass(frozen=True)
class Parts:
    """int64 places of a data set, all with labels."""

    learned: Tensor
    held_out: Tensor
    """By these the weights are chosen; none where labels are too few."""
    tested: Tensor
    selected_on: str
    """What `held_out` are, in words."""

    @property
    def chosen_on_tested(self) -> bool:
        """Whether what chooses the weights is what they are reported on."""
        return self.held_out is self.tested

    @property
    def known(self) -> Tensor:
        """What a head that needs no items held out may learn from."""
        return torch.cat([self.learned, self.held_out]).sort().values


def parts_of(
    data: Dataset, *, labels_per_class: int | None, split_seed: int, draw: int = 0, chosen_on_test: bool = False
) -> Parts:
    """The parts of a data set: its val part chooses where it has one beside a test part, else some of the labels.

    Those are one of five folds, of many labels 5,000. A class with a single label is learned from.

    Args:
        labels_per_class: Takes so many training labels of each class, those of one draw.
        chosen_on_test: Where there is no val part beside a test part, the test part chooses; it may have come as val.

    Raises `InputError` where fewer than two classes have labels to learn from, one has fewer than asked for or none
    while it is asked about, or nothing is left that could choose.
    """
    data.require_classes()
    labelled = data.labels >= 0
    train, tested = (index[labelled[index]] for index in (data.indices("train"), data.indices("test")))
    val = data.indices("val")
    val = val[labelled[val]]
    pool = train[~torch.isin(train, val)] if len(val) else train
    require_learnable(data, pool, data.labels[torch.cat([val, tested])])
    drawn = draws_of(data.labels[pool], labels_per_class or "all", draw + 1, split_seed, data.classes)[draw]
    learned = pool[drawn.index]
    if len(val):
        return Parts(learned, val, tested, VAL)
    if chosen_on_test:
        if not len(tested):
            raise InputError(f"{data.name} has no val part with labels to choose by: put them into train/ and val/.")
        return Parts(learned, tested, tested, VAL if data.tested_on_val else TEST)
    if drawn.folds is None:
        return Parts(learned, learned[:0], tested, "nothing: labels are too few to hold any out")
    labels = data.labels[learned]
    away = (drawn.folds == FOLD) & (torch.bincount(labels)[labels] > 1)
    return Parts(learned[~away], learned[away], tested, f"{int(away.sum()):,} of the {len(learned):,} training labels")
