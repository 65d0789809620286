"""What turns frozen features and a few labels into predictions.

Shapes: M training items, n of them labelled, T items asked about, C classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from headstart.evaluation.bank import Bank, Queries
from headstart.evaluation.draws import stratified_folds


@dataclass(frozen=True)
class Labelled:
    """One draw: which rows of the bank have labels."""

    index: Tensor
    """int64 n: rows of the bank."""
    labels: Tensor
    """int64 n: classes."""
    folds: Tensor | None
    """int64 n: the cross-validation fold of each (-1: never held out); None where labels are too few."""

    @classmethod
    def of(cls, index: Tensor, labels: Tensor, split_seed: int = 0, draw: int = 0) -> Self:
        """A draw with its folds."""
        return cls(index, labels, stratified_folds(labels, split_seed, draw))

    def among(self, rows: Tensor) -> Labelled:
        """The same draw for a bank of nothing but these rows (int64, ascending), all of the draw's among them."""
        return replace(self, index=torch.searchsorted(rows, self.index))


class FittedHead(Protocol):
    """A head that has learned: predicts by itself, without the bank."""

    name: str

    @property
    def settings(self) -> Mapping[str, float | str]:
        """What to print beside its accuracy."""
        ...

    def predict(self, features: Tensor | Queries) -> Tensor:
        """T×C probabilities for T×D features."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything needed to predict, as tensors."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Self:
        """The head that `state` was taken from."""
        ...


class HeldOut(NamedTuple):
    """What a head said of labels that it had not learned from, by cross-validation within a draw."""

    probabilities: Tensor
    """m×C."""
    labels: Tensor
    """int64 m: the classes that are right."""

    @classmethod
    def of(cls, probabilities: Tensor, draw: Labelled) -> Self:
        """Of n×C out-of-fold probabilities, those of the items that a fold held out."""
        assert draw.folds is not None
        asked = draw.folds >= 0
        return cls(probabilities[asked], draw.labels[asked])

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return float((self.probabilities.argmax(dim=1) == self.labels).double().mean())


class Trial(NamedTuple):
    """A head fitted to one draw."""

    fitted: FittedHead
    held_out: HeldOut | None
    """None where labels are too few."""

    @property
    def accuracy(self) -> float | None:
        """On labels held out of the draw itself; None where there are too few."""
        return None if self.held_out is None else self.held_out.accuracy


class Head(ABC):
    """A way of learning from labelled features; draws are fitted together because much of the work is shared."""

    name: str

    @abstractmethod
    def fit_draws(self, bank: Bank, draws: Sequence[Labelled], classes: int) -> list[Trial]:
        """One trial a draw."""

    def fit(self, bank: Bank, index: Tensor, labels: Tensor, classes: int) -> FittedHead:
        """Learns from the rows `index` (int64 n) of the bank with `labels` (int64 n)."""
        return self.fit_draws(bank, [Labelled.of(index, labels)], classes)[0].fitted
