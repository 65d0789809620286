"""Which items to label: typical ones while labels are few, then uncertain and different ones.

Typical items of as many clusters as there will be labels (TypiClust: Hacohen et al. 2022, arXiv 2202.02794), where
clusters are those of the neighbour graph; then the least certain items under label propagation, one of each of their
clusters. Shapes: N items of D features, M of them looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart import randomness
from headstart.evaluation import HEADS, Bank, Labelled
from headstart.transfer.clustering import STARTS, Floats, Ints, clusters, near_duplicates, reach, typicality

POOL = 10_000
"""Items looked at: of more, so many drawn at random stand for all, which keeps the search to seconds."""

MOST_CLUSTERS = 200
"""Beyond, clusters are so small that they say nothing; several items of one are taken."""

SMALLEST_CLUSTER = 5
"""Smaller clusters are outliers, taken when no other is left."""

EXPLORE, KNOWN = (2, 20), (5, 50)
"""Labels a class, and in all, up to which all items are typical ones, and from which as few as `STILL` are. Typical
items are ahead of uncertain ones on raw digits and raw Fashion-MNIST at 1 to 2 labels a class, on photographs of two
classes at 10 labels; behind them on digits from 5 labels a class on."""

STILL = 0.2
"""Share of typical items however many labels there are: what no label reaches is not even known to be uncertain."""

CANDIDATES = 10
"""Of so many times the uncertain items asked for, the most different ones are taken."""


class Pick(NamedTuple):
    """An item to label."""

    place: int
    """Row of the features."""
    why: str


class Candidates:
    """The different ones among the items that may be suggested, with those that have a label.

    What all suggestions from them share is made once.
    """

    def __init__(self, features: Tensor, labels: Tensor, *, seed: int = 0, most: int = POOL) -> None:
        """`features` is N×D, `labels` int64 N with -1 where there is none; of more than `most` a sample is taken."""
        self.rows = _different(features, labels, _looked_at(labels, most, seed))
        """int64 M: which of the N items."""
        self.labels = labels[self.rows]
        self.seed = seed
        self._features = features

    @cached_property
    def bank(self) -> Bank:
        """The features of these items."""
        return Bank(self._features[self.rows])

    @cached_property
    def known(self) -> Ints:
        """Places that have a label."""
        return np.flatnonzero(self.labels.numpy() >= 0)

    @cached_property
    def free(self) -> Ints:
        """Places that have none."""
        return np.flatnonzero(self.labels.numpy() < 0)

    @cached_property
    def density(self) -> Floats:
        """How typical each is."""
        return typicality(self.bank)

    @cached_property
    def reach(self) -> NDArray[np.float32]:
        """Where labels would spread to from each."""
        return reach(self.bank, self.seed)

    def suggest(self, items: int, *, classes: Sequence[str] = (), seed: int | None = None) -> list[Pick]:
        """The items to label first, the most useful first; fewer than `items` where no more differ.

        `seed` varies the clusters alone.
        """
        seed = self.seed if seed is None else seed
        if len(self.free) <= items:
            why = "no more than these are left that have no label and differ"
            return [Pick(int(self.rows[place]), why) for place in self.free]
        exploring = math.ceil(exploring_share(self.labels) * items)
        found = _typical(self, exploring, seed)
        if exploring < items:
            found += _uncertain(self, items - exploring, [place for place, _ in found], classes, seed)
        return [Pick(int(self.rows[place]), why) for place, why in found]


def suggest_items(
    features: Tensor, labels: Tensor, items: int, *, classes: Sequence[str] = (), seed: int = 0
) -> list[Pick]:
    """The items to label first, the most useful first; fewer than `items` where the others are copies of those.

    `features` is N×D; `labels` int64 N with -1 where there is none, else a place in `classes`. An item that has a
    label, or a copy that has, is never among them.
    """
    return Candidates(features, labels, seed=seed, most=max(POOL, 8 * items)).suggest(items, classes=classes)


def exploring_share(labels: Tensor) -> float:
    """The share of typical items, from the labels there are (int64 N, -1: none)."""
    counts = torch.bincount(labels[labels >= 0])
    present = int((counts > 0).sum())
    if present < 2:
        return 1.0
    total = int(counts.sum())
    missing = [
        (known - have) / (known - few)
        for have, few, known in zip((total / present, total), EXPLORE, KNOWN, strict=True)
    ]
    return min(1.0, max(STILL, *missing))


def _looked_at(labels: Tensor, most: int, seed: int) -> Tensor:
    """int64: the rows to search, ascending: all, or of more than `most` a sample, at most half of it with labels."""
    if len(labels) <= most:
        return torch.arange(len(labels))
    known, free = torch.nonzero(labels >= 0).flatten(), torch.nonzero(labels < 0).flatten()
    some = known[randomness.permutation(seed, "labelled pool", len(known))[: most // 2]]
    rest = free[randomness.permutation(seed, "pool", len(free))[: most - len(some)]]
    return torch.cat([some, rest]).sort().values


def _different(features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """int64: one row of every group of near-duplicates, one with a label where there is any."""
    if len(rows) < 2:
        return rows
    groups = near_duplicates(Bank(features[rows]))
    order = np.lexsort((labels[rows].numpy() < 0, groups))  # by group, those with a label first
    first = np.unique(groups[order], return_index=True)[1]
    return rows[torch.from_numpy(np.sort(order[first]))]


def _typical(pool: Candidates, count: int, seed: int) -> list[tuple[int, str]]:
    """The densest item of each cluster, of those with the fewest labels first, of the largest among them."""
    number = min(count + len(pool.known), MOST_CLUSTERS, len(pool.labels))
    cluster, density = clusters(pool.reach, number, seed), pool.density
    sizes = np.bincount(cluster, minlength=number)
    covered = np.bincount(cluster[pool.known], minlength=number)
    waiting = {c: sorted(pool.free[cluster[pool.free] == c], key=lambda one: -density[one]) for c in range(number)}
    found: list[tuple[int, str]] = []
    while len(found) < count:
        c = min((c for c in waiting if waiting[c]), key=lambda c: (sizes[c] < SMALLEST_CLUSTER, covered[c], -sizes[c]))
        said = f"{covered[c]} of them labelled or listed before it" if covered[c] else "none of them labelled"
        found.append((int(waiting[c].pop(0)), f"typical of {sizes[c]} items that are alike, {said}"))
        covered[c] += 1
    return found


def _uncertain(
    pool: Candidates, count: int, taken: Sequence[int], classes: Sequence[str], seed: int
) -> list[tuple[int, str]]:
    """Items between two classes under label propagation: the middle one of each cluster of the least certain."""
    from sklearn.cluster import KMeans

    known = torch.from_numpy(pool.known)
    draw = Labelled(known, pool.labels[known], None)
    scores = HEADS["propagation"].fit_draws(pool.bank, [draw], len(classes))[0].fitted.state()["scores"]
    best, which = scores.topk(2, dim=1)
    margin = (best[:, 0] - best[:, 1]).double().numpy()
    free = np.setdiff1d(pool.free, taken)
    least = free[np.argsort(margin[free], kind="stable")][: CANDIDATES * count]
    rows = pool.bank.unit[torch.from_numpy(least)].double().numpy()
    maker = KMeans(min(count, len(least)), n_init=STARTS, random_state=randomness.key(seed, "uncertain") % 2**32)
    apart = maker.fit_transform(rows, sample_weight=np.maximum(1 - margin[least], 1e-3))
    middles = {int(least[np.where(maker.labels_ == c, apart[:, c], np.inf).argmin()]) for c in set(maker.labels_)}
    return [
        (
            place,
            "uncertain: "
            + " or ".join(f"{classes[c]} ({p:.2f})" for c, p in zip(which[place], best[place], strict=True)),
        )
        for place in sorted(middles, key=lambda place: (margin[place], place))
    ]
