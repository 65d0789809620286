"""Whether a representation has collapsed, and how it uses its space."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.evaluation.neighbours import unit
from headstart.measures import alignment, is_collapsed, rank_me, uniformity

UNIFORMITY_ITEMS = 2_048
"""Items whose pairs are compared: uniformity looks at all pairs, and these make two million."""


@dataclass(frozen=True)
class Health:
    """What can be said of features without labels."""

    rank_me: float
    """Effective rank: Garrido et al. 2023, equation 3."""
    alignment: float
    """Mean squared distance between two views of an item, on the unit sphere: Wang and Isola 2020."""
    uniformity: float
    """Log of the mean Gaussian potential between items: Wang and Isola 2020."""
    collapsed: bool


def health(view_a: Tensor, view_b: Tensor) -> Health:
    """Effective rank, alignment, uniformity and collapse from N×D features of two views of the same N items."""
    a, b = unit(view_a.float()), unit(view_b.float())
    return Health(
        rank_me=float(rank_me(view_a)),
        alignment=float(alignment(a, b)),
        uniformity=float(uniformity(a[:UNIFORMITY_ITEMS])),
        collapsed=bool(is_collapsed(view_a)),
    )
