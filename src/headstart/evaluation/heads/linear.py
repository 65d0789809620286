"""The linear probe: multinomial logistic regression on standardised features.

Its L2 strength λ is cross-validated on the training labels where there are enough of them.
Shapes: n labelled items, T items asked about, D features, C classes; G draws, L strengths, F folds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor

from headstart.evaluation.bank import Bank, Queries, as_queries
from headstart.evaluation.heads.head import Head, HeldOut, Labelled, Trial
from headstart.evaluation.logistic import Design, fit_logistic

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
DEFAULT_STRENGTH = 10.0
"""λ in units of the summed loss, where labels are too few to choose one."""

SEARCH_ITEMS = 10_000
"""Labelled items that the search for λ learns from at most; λ belongs to the summed loss, so it carries over."""

FINE, COARSE = 1e-4, 1e-3
"""Mean gradients at which a fit is good enough to keep, and to choose λ by."""

MANY_ITEMS, FINE_OF_MANY = 10_000, 7e-4
"""Beyond so many labelled items this mean gradient will do: accuracy stays within 0.1 points of the optimum's, in a
third of the time."""

SEARCHED_NUMBERS = 2**21
"""Logits up to which draws are searched together: small problems wait for Python, large ones for memory."""

Found = tuple[float, HeldOut | None]
"""A draw's λ and its out-of-fold probabilities."""


class FittedLinear:
    """Weights on the raw features."""

    name = "linear"

    def __init__(self, weight: Tensor, bias: Tensor, strength: float | None) -> None:
        self.weight, self.bias, self.strength = weight, bias, strength

    @property
    def settings(self) -> Mapping[str, float | str]:
        """The L2 strength, where it was fitted here."""
        return {} if self.strength is None else {"l2": self.strength}

    def predict(self, features: Tensor | Queries) -> Tensor:
        """T×C probabilities."""
        return (as_queries(features).features @ self.weight.T + self.bias).softmax(dim=1)

    def state(self) -> dict[str, Tensor]:
        """Weights C×D and biases C, and the strength where there is one."""
        state = {"weight": self.weight, "bias": self.bias}
        if self.strength is not None:
            state["strength"] = torch.tensor([self.strength], dtype=torch.float64)
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Self:
        """The head that `state` was taken from."""
        strength = state.get("strength")
        return cls(state["weight"], state["bias"], None if strength is None else float(strength))


class Linear(Head):
    """Logistic regression; `strength` fixes λ instead of choosing it."""

    name = "linear"

    def __init__(self, *, strength: float | None = None) -> None:
        self.strength = strength

    def fit_draws(self, bank: Bank, draws: Sequence[Labelled], classes: int) -> list[Trial]:
        """Draws of one size are solved as one batch."""
        trials: dict[int, Trial] = {}
        for size in sorted({len(draw.index) for draw in draws}):
            places = [place for place, draw in enumerate(draws) if len(draw.index) == size]
            same = self._fit_equal(bank, [draws[place] for place in places], classes)
            trials.update(zip(places, same, strict=True))
        return [trials[place] for place in range(len(draws))]

    def _fit_equal(self, bank: Bank, draws: Sequence[Labelled], classes: int) -> list[Trial]:
        design = Design.of(_standard(bank, draws))
        found = self._choose(bank, draws, design, classes)
        strengths = torch.tensor([[strength] for strength, _ in found])
        tolerance = FINE if len(draws[0].index) <= MANY_ITEMS else FINE_OF_MANY
        labels = torch.stack([draw.labels for draw in draws])
        fit = fit_logistic(design, labels, classes, strengths, tolerance=tolerance)
        weight = fit.weight[:, 0] / bank.deviation  # G×C×D, on the raw features from here on
        bias = fit.bias[:, 0] - weight @ bank.mean
        return [Trial(FittedLinear(weight[g], bias[g], *found[g][:1]), found[g][1]) for g in range(len(draws))]

    def _choose(self, bank: Bank, draws: Sequence[Labelled], design: Design, classes: int) -> list[Found]:
        """Each draw's λ: the fixed one, the best out of fold, or the default where there are no folds."""
        tried = STRENGTHS if self.strength is None else (self.strength,)
        chosen: list[Found] = [(DEFAULT_STRENGTH if self.strength is None else self.strength, None)] * len(draws)
        parts = [_search_part(draw) for draw in draws]
        for places in _together(parts, len(tried) * classes):
            alike = [parts[place] for place in places]
            whole = alike[0] is draws[places[0]]
            items = design.items[places] if whole else Design.of(_standard(bank, alike)).items
            for place, held_out in zip(places, _out_of_fold(items, alike, classes, tried), strict=True):
                accuracy = [found.accuracy for found in held_out]
                best = max(range(len(tried)), key=lambda i: (accuracy[i], -abs(math.log(tried[i] / DEFAULT_STRENGTH))))
                chosen[place] = tried[best], held_out[best]
        return chosen


def _standard(bank: Bank, draws: Sequence[Labelled]) -> Tensor:
    """G×n×D standardised features of equally large draws."""
    return torch.stack([bank.standard(draw.index) for draw in draws])


def _search_part(draw: Labelled) -> Labelled:
    """The draw, or where it is large all it holds out and a strided part of the rest."""
    if draw.folds is None or bool((draw.folds >= 0).all()):
        return draw
    learned = torch.nonzero(draw.folds < 0).flatten()
    learned = learned[:: -(-len(learned) // SEARCH_ITEMS)]
    kept = torch.cat([torch.nonzero(draw.folds >= 0).flatten(), learned])
    return replace(draw, index=draw.index[kept], labels=draw.labels[kept], folds=draw.folds[kept])


def _together(draws: Sequence[Labelled], fits: int) -> Iterator[list[int]]:
    """Places of draws with folds whose search is one batch: as many items and folds each, `fits` of each fold."""
    alike: dict[tuple[int, int], list[int]] = {}
    for place, draw in enumerate(draws):
        if draw.folds is not None:
            alike.setdefault((len(draw.index), int(draw.folds.max()) + 1), []).append(place)
    for (count, folds), places in alike.items():
        most = max(1, SEARCHED_NUMBERS // (count * folds * fits))
        yield from (places[start : start + most] for start in range(0, len(places), most))


def _out_of_fold(
    items: Tensor, draws: Sequence[Labelled], classes: int, strengths: Sequence[float]
) -> list[list[HeldOut]]:
    """Out-of-fold probabilities of draws G×n×r at each strength; all draws, folds and strengths are one batch."""
    fold = torch.stack([draw.folds for draw in draws if draw.folds is not None])  # G×n
    labels = torch.stack([draw.labels for draw in draws])
    folds = torch.arange(int(fold.max()) + 1)
    learned = (fold[:, None] != folds[:, None]).float()  # G×F×n
    weights = learned.repeat(1, len(strengths), 1)  # G×(L·F)×n
    tried = torch.tensor(strengths).repeat_interleave(len(folds)).expand(len(draws), -1)
    fit = fit_logistic(Design(items), labels, classes, tried, weights, tolerance=COARSE, iterations=100)
    logits = torch.einsum("gnr,gqcr->gqnc", items, fit.weight) + fit.bias[:, :, None]
    by_fold = logits.reshape(len(draws), len(strengths), len(folds), *logits.shape[2:])  # G×L×F×n×C
    own = fold.clamp_min(0)[:, None, None, :, None].expand(-1, len(strengths), 1, -1, classes)
    mine = by_fold.gather(2, own)[:, :, 0].softmax(dim=3)  # G×L×n×C: each item from its own fold
    return [[HeldOut.of(each, draw) for each in found] for found, draw in zip(mine, draws, strict=True)]
