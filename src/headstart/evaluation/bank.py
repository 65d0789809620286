"""The training features of one encoder, and what all heads and draws share about them, made once.

Shapes: M training items, labelled or not, D features; T items asked about.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from headstart.errors import RunError
from headstart.evaluation.graph import SpreadingGraph
from headstart.evaluation.neighbours import Nearest, nearest, unit

NEIGHBOURS = 20
"""No head looks at more neighbours than these, so one search serves them all."""

SPARE = 20
"""Neighbours searched beyond those where rows are to be left out: most items then keep enough of them."""

SMALLEST_DEVIATION = 0.3
"""Deviations are held at this share of their root mean square: a nearly constant feature must not shout. On raw digits
and raw Fashion-MNIST few-label probes gain up to a point over plain standardisation, full ones lose nothing."""


class Bank:
    """Features M×D of all training items; derived quantities are made when first asked for."""

    def __init__(self, features: Tensor) -> None:
        if features.ndim != 2 or len(features) < 2:
            raise RunError(f"Features of shape {tuple(features.shape)} can't be judged: two items are the least.")
        if not torch.isfinite(features.sum(dim=0)).all():
            raise RunError("The features hold NaN or infinite numbers: the encoder diverged. Train it again.")
        self.features = features.float().contiguous()

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def unit(self) -> Tensor:
        """M×D rows of length one."""
        return unit(self.features)

    @cached_property
    def mean(self) -> Tensor:
        """D means."""
        return self.features.mean(dim=0)

    @cached_property
    def deviation(self) -> Tensor:
        """D standard deviations, kept away from zero."""
        deviation = (self.features - self.mean).square_().mean(dim=0).sqrt_()  # thrice as fast as torch's std
        floor = SMALLEST_DEVIATION * deviation.square().mean().sqrt()
        return deviation.clamp_min(floor) if floor > 0 else torch.ones_like(deviation)

    def standard(self, index: Tensor) -> Tensor:
        """n×D rows with mean 0 and deviation 1 over the whole bank."""
        return self.features[index].sub_(self.mean).div_(self.deviation)

    @cached_property
    def neighbours(self) -> Nearest:
        """The nearest other training items of each."""
        return nearest(self.unit, self.unit, NEIGHBOURS, exclude=torch.arange(len(self)))

    @cached_property
    def _more_neighbours(self) -> Nearest:
        """Some more than `neighbours`, of which some may be left out."""
        return nearest(self.unit, self.unit, NEIGHBOURS + SPARE, exclude=torch.arange(len(self)))

    @cached_property
    def graph(self) -> SpreadingGraph:
        """The neighbour graph of all training items."""
        return SpreadingGraph(self.neighbours)

    def without(self, rows: Tensor) -> Bank:
        """The bank that a set without the items at `rows` (int64) would have made; one wide search serves many such.

        An item that loses more neighbours than were searched beyond need is searched for again.
        """
        kept = torch.ones(len(self), dtype=torch.bool)
        kept[rows] = False
        smaller = Bank(self.features[kept])
        smaller.unit = self.unit[kept]
        wanted = min(NEIGHBOURS, len(smaller) - 1)
        similarity, place = (each[kept] for each in self._more_neighbours)
        there = kept[place]
        short = torch.nonzero(there.sum(dim=1) < wanted).flatten()
        # Those that are there come first, in the order they had; only rows that lost one among the first are sorted.
        torn = torch.nonzero(~there[:, :wanted].all(dim=1)).flatten()
        order = there[torn].logical_not().to(torch.uint8).argsort(dim=1, stable=True)
        similarity[torn], place[torn] = similarity[torn].gather(1, order), place[torn].gather(1, order)
        place = (kept.cumsum(0) - 1)[place[:, :wanted]]
        similarity = similarity[:, :wanted].contiguous()
        if len(short):
            similarity[short], place[short] = nearest(smaller.unit[short], smaller.unit, wanted, exclude=short)
        smaller.neighbours = Nearest(similarity, place)
        return smaller


class Queries:
    """Features T×D of items asked about; a neighbour search among the same anchors is done once."""

    def __init__(self, features: Tensor) -> None:
        self.features = features.float().contiguous()
        self._searches: dict[int, tuple[Tensor, Nearest]] = {}

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def unit(self) -> Tensor:
        """T×D rows of length one."""
        return unit(self.features)

    def nearest(self, anchors: Tensor) -> Nearest:
        """The nearest of M×D unit rows; found once for each anchors tensor (the very object)."""
        known = self._searches.get(id(anchors))
        if known is None:
            known = (anchors, nearest(self.unit, anchors, NEIGHBOURS))
            if len(anchors) > 16 * NEIGHBOURS:  # a search among few is cheaper than keeping its anchors
                self._searches[id(anchors)] = known
        return known[1]


def as_queries(features: Tensor | Queries) -> Queries:
    """Lets heads take a plain T×D tensor."""
    return features if isinstance(features, Queries) else Queries(features)
