"""What networks that learn labels are shown by default: moves, crops and flips, no more.

Changes of colour and texture cover up what tells two domains apart, and are more than a few steps from a good start
need.
"""

from __future__ import annotations

from collections.abc import Sequence

from headstart.views import default_views

MILD = {"glyphs": "glyphs-crop-jitter-noise-erase", "simclr": "moco1-colour"}
"""By the set that suits the items."""


def mild_views(shape: Sequence[int]) -> str:
    """The set for items of (C, H, W)."""
    return MILD[default_views(shape)]
