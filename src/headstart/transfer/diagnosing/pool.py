"""Both sets as one pool of items, each described by the same numbers.

Shapes: N items of both sets, the source's first; D features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from headstart import randomness
from headstart.data import Dataset, item_digests
from headstart.transfer.diagnosing.describing import Description

FOLDS = 5


@dataclass(frozen=True)
class Pool:
    """What the tests are made on."""

    description: Description
    domain: Tensor
    """bool N: true for the target's items."""
    labels: Tensor
    """int64 N: places in `classes`, -1 where there is no label."""
    classes: tuple[str, ...]
    """The source's classes, then those that only the target has."""
    ids: tuple[str, ...]
    folds: Tensor
    """int64 N: drawn without a look at domain or label, what belongs together in one: no item is scored by
    what has learned from it or from its like."""

    def __len__(self) -> int:
        return len(self.domain)

    def labelled(self, *, target: bool) -> Tensor:
        """bool N: the labelled items of one side."""
        return (self.labels >= 0) & (self.domain == target)

    def counts(self, *, target: bool) -> Tensor:
        """int64 C: how many items of one side carry each label."""
        return torch.bincount(self.labels[self.labelled(target=target)], minlength=len(self.classes))

    def all_labelled(self, *, target: bool) -> bool:
        """Whether every item of one side has a label."""
        return bool((self.labels[self.domain == target] >= 0).all())

    def only(self, kept: Tensor, classes: Tensor) -> Pool:
        """The items of bool N `kept`, with `classes` (int64) numbered anew; labels of other classes are dropped."""
        places = torch.full((len(self.classes) + 1,), -1)
        places[classes] = torch.arange(len(classes))
        return replace(
            self,
            description=self.description.only(kept),
            domain=self.domain[kept],
            labels=places[self.labels[kept]],
            classes=tuple(self.classes[place] for place in classes.tolist()),
            ids=tuple(one for one, keep in zip(self.ids, kept.tolist(), strict=True) if keep),
            folds=self.folds[kept],
        )


def pooled(source: Dataset, target: Dataset, description: Description, seed: int) -> Pool:
    """The pool of two sets in one form, described already."""
    named = dict.fromkeys(source.classes) | dict.fromkeys(target.classes)
    classes = tuple(named)
    lookup = torch.tensor([*(classes.index(name) for name in target.classes), -1])
    labels = torch.cat([source.labels, lookup[target.labels]])
    return Pool(
        description=description,
        domain=torch.arange(len(labels)) >= len(source),
        labels=labels,
        classes=classes,
        ids=(*source.ids, *target.ids),
        folds=randomness.permutation(seed, "folds of a diagnosis", len(labels))[_kin(source, target)] % FOLDS,
    )


def _kin(source: Dataset, target: Dataset) -> Tensor:
    """int64 N: equal numbers for items that share a fold: each set's own groups, joined where both hold a copy."""
    groups = torch.cat([source.groups(), target.groups() + len(source)])
    first: dict[bytes, int] = {}
    for place, digest in enumerate((*item_digests(source.items), *item_digests(target.items))):
        known = first.setdefault(digest, place)
        if groups[known] != groups[place]:
            groups[groups == groups[place]] = groups[known].clone()
    return groups
