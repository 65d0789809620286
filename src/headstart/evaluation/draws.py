"""Which training items lend their labels: repeated draws, and the folds that cross-validate within or over them.

All depend on the labels, the split's seed and the draw's number only, so every route is judged on the same draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from headstart import randomness
from headstart.errors import InputError

FOLDS = 5
HELD_OUT_MOST = 5_000
"""Items that cross-validation scores at most: beyond, one stratified part of this size stands in for the folds."""

NEVER = -1
"""The fold of an item that is always learned from."""


def label_draws(
    labels: Tensor,
    k: int,
    draws: int,
    split_seed: int,
    classes: Sequence[str],
    *,
    first: int = 0,
    allowed: Tensor | None = None,
) -> list[Tensor]:
    """`draws` sorted indices (int64) of k labelled items a class; the smaller k of one draw lies in the larger.

    `labels` is int64 M with -1 where there is none. Draws are numbered from `first`; of a draw's order only items that
    are `allowed` (bool M; None: all) are taken, so that it changes with them as little as it can. Raises `InputError`
    naming the class that has too few.
    """
    members = [torch.nonzero(labels == c).flatten() for c in range(len(classes))]
    kept = members if allowed is None else [items[allowed[items]] for items in members]
    for name, items in zip(classes, kept, strict=True):
        if len(items) < k:
            raise InputError(
                f"--labels-per-class {k}: class '{name}' has only {len(items)} labelled training items. "
                f"Ask for at most {min(map(len, kept))}, or label more of it."
            )
    chosen = []
    for draw in range(first, first + draws):
        picks = []
        for c, items in enumerate(members):
            order = items[randomness.permutation(split_seed, f"label draw {draw}, class {c}", len(items))]
            picks.append((order if allowed is None else order[allowed[order]])[:k])
        chosen.append(torch.cat(picks).sort().values)
    return chosen


def stratified_folds(labels: Tensor, split_seed: int, draw: int = 0) -> Tensor | None:
    """The fold 0…F-1 of each of n labelled items, int64 n, or None below three labels a class on average.

    Classes are spread evenly over min(5, items of the largest class) folds. Of more than 25,000 items, one part of
    5,000 is held out once (fold 0) and the rest is never (-1): cross-validation stays affordable.
    """
    counts = torch.bincount(labels)
    present = counts[counts > 0]
    if len(labels) < 3 * len(present) or len(present) < 2:
        return None
    order = randomness.permutation(split_seed, "folds", len(labels), draw)
    ranked = order[labels[order].argsort(stable=True)]  # shuffled within classes, classes one after the other
    fold = torch.empty_like(labels)
    if len(labels) > FOLDS * HELD_OUT_MOST:
        fold.fill_(NEVER)
        fold[ranked[:: -(-len(labels) // HELD_OUT_MOST)]] = 0
        return fold
    fold[ranked] = torch.arange(len(labels)) % min(FOLDS, int(present.max()))
    return fold


def judging_folds(labels: Tensor, groups: Tensor, split_seed: int, repeat: int) -> Tensor | None:
    """The fold 0…F-1 in which each of L labelled items is asked about, int64 L; None where a class can't be shared out.

    There are min(5, items of the smallest class) folds, over which every class is spread evenly. Items of a class that
    are duplicates of each other (equal `groups`, int64 L) lie in one fold and count once.
    """
    pairs = torch.stack([labels, groups], dim=1)
    distinct, group = torch.unique(pairs, dim=0, return_inverse=True)
    folds = min(FOLDS, int(torch.bincount(distinct[:, 0]).min()))
    if folds < 2:
        return None
    order = randomness.permutation(split_seed, "judging folds", len(distinct), repeat)
    ranked = order[distinct[order, 0].argsort(stable=True)]
    fold = torch.empty(len(distinct), dtype=torch.int64)
    fold[ranked] = torch.arange(len(distinct)) % folds
    return fold[group]
