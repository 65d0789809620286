"""Which training items lend their labels: repeated draws, and the folds that cross-validate within one.

Both depend on the labels, the split's seed and the draw's number only, so every route is judged on the same draws.
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


def label_draws(labels: Tensor, k: int, draws: int, split_seed: int, classes: Sequence[str]) -> list[Tensor]:
    """`draws` sorted indices (int64) of k labelled items a class; the smaller k of one draw lies in the larger.

    `labels` is int64 M with -1 where there is none. Raises `InputError` naming the class that has too few.
    """
    members = [torch.nonzero(labels == c).flatten() for c in range(len(classes))]
    for name, items in zip(classes, members, strict=True):
        if len(items) < k:
            raise InputError(
                f"--labels-per-class {k}: class '{name}' has only {len(items)} labelled training items. "
                f"Ask for at most {min(map(len, members))}, or label more of it."
            )
    chosen = []
    for draw in range(draws):
        picks = [
            items[randomness.permutation(split_seed, f"label draw {draw}, class {c}", len(items))[:k]]
            for c, items in enumerate(members)
        ]
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
