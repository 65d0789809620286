"""Whether a representation still tells items apart."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

COLLAPSED = 0.05
"""Of the spread that evenly scattered features have; a trained network keeps a third of it or more."""


def spread(features: Tensor) -> Tensor:
    """The mean over dimensions of the standard deviation of N×D features brought to length one, times √D.

    1 where they are scattered evenly over the sphere, 0 where all are the same: Chen and He 2021, 2011.10566,
    section 4.
    """
    rows = F.normalize(features, dim=1)
    evenly: float = rows.shape[1] ** 0.5
    return rows.std(dim=0).mean() * evenly


def is_collapsed(features: Tensor) -> bool:
    """Whether N×D features are so nearly the same that nothing can be told from them."""
    return bool(spread(features) < COLLAPSED)
