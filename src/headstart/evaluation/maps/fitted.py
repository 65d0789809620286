"""What every way of drawing a map gives. Shapes: N items of D features, T new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Fitted:
    """A map, and how it takes items that came later."""

    places: Tensor
    """float32 N×2."""
    place: Callable[[Tensor], Tensor]
    """T×D features of new items → float32 T×2, in the same map."""


class Map(Protocol):
    """A module of this folder: one way of drawing N×D features in two dimensions."""

    def fit(self, features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
        """Draws float32 N×D features, which differ.

        `known` (N×2) are their places where this very map was drawn before: it may be taken instead of drawn again.
        """
        ...
