"""What the rooms of the house agree on: batches, facts, progress, draws, views, losses, recipes.

Shapes: n items in this process's part of the batch, N in the whole (global) batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from headstart import randomness

Views = tuple[Tensor, ...]
"""What a network is shown: one tensor a view, n items each; sizes may differ from view to view."""

Losses = dict[str, Tensor]
"""Scalars by name: "loss" is minimised, the rest is logged."""


@dataclass(frozen=True)
class Part:
    """One process's slice of the global batch: items start…stop of total."""

    start: int
    stop: int
    total: int

    @classmethod
    def whole(cls, total: int) -> Part:
        """All of a batch, as on one process."""
        return cls(0, total, total)

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Batch:
    """Items as they lie in the data set (pictures: uint8 n×C×H×W), before any view is drawn."""

    items: Tensor
    index: Tensor
    """int64 n: places in the data set."""
    part: Part
    labels: Tensor | None = None
    """int64 n, or None where the method is shown no labels."""
    extra: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a method's constructor may ask of its data."""

    items: int
    shape: tuple[int, ...]
    """(channels, height, width) of an item."""
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    """Labelled training items of each class."""
    vocabulary: int | None = None
    views: str = "simclr"
    """The named set of views (`--views`) the method is to show."""
    grey: bool = False
    """No picture has a colour: one channel, or three that are equal."""
    original: Callable[[int], Tensor] | None = None
    """uint8 C×H×W: the item at a place of the data set as it came, each of its own size; None where nobody asks."""


@dataclass(frozen=True)
class Progress:
    """How far training is; every schedule is a function of it, so none is stored."""

    step: int
    steps: int
    epoch: int = 0

    @property
    def done(self) -> float:
        """The share of all steps that are behind us, in 0…1."""
        return self.step / max(self.steps, 1)


@dataclass(frozen=True)
class Draw:
    """Random numbers for one step: parameters are drawn for the whole global batch, each process takes its part.

    Numbers come from the CPU's generator wherever the data lies, so that every device shows the same views.
    """

    seed: int
    step: int
    part: Part
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    purpose: str = "views"

    def named(self, name: str) -> Draw:
        """An independent stream of draws below this one."""
        return replace(self, purpose=f"{self.purpose}/{name}")

    def generator(self, name: str) -> torch.Generator:
        """A CPU generator that is the same in every process."""
        return randomness.generator(self.seed, f"{self.purpose}/{name}", self.step)

    def uniform(self, name: str, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """n×shape numbers from [low, high)."""
        drawn = torch.rand(self.part.total, *shape, generator=self.generator(name))
        return self._mine(drawn * (high - low) + low)

    def normal(self, name: str, *shape: int) -> Tensor:
        """n×shape numbers from the standard normal distribution."""
        return self._mine(torch.randn(self.part.total, *shape, generator=self.generator(name)))

    def chance(self, name: str, probability: float) -> Tensor:
        """n booleans, each true with the given probability."""
        return self._mine(torch.rand(self.part.total, generator=self.generator(name)) < probability)

    def integers(self, name: str, high: int, *shape: int) -> Tensor:
        """n×shape int64 numbers from 0…high-1."""
        return self._mine(torch.randint(high, (self.part.total, *shape), generator=self.generator(name)))

    def _mine(self, drawn: Tensor) -> Tensor:
        return drawn[self.part.start : self.part.stop].to(self.device)


Schedule = Literal["cosine", "constant"]
"""How the learning rate goes on after its warm-up."""


@dataclass(frozen=True)
class Recipe:
    """A method's own training settings; what it leaves None, the rules of `training.plan` choose."""

    optimizer: str | None = None
    lr: float | None = None
    """For a global batch of `lr_batch` items where that is set (scaled linearly), else as it is."""
    lr_batch: int | None = None
    weight_decay: float | None = None
    betas: tuple[float, float] | None = None
    momentum: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    warmup_epochs: float | None = None
    schedule: Schedule = "cosine"
