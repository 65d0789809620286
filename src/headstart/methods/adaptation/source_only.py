"""Source only: learn the source's labels and hope that they hold for the target. The row to beat."""

from __future__ import annotations

from headstart.methods.adaptation.adapter import RECIPE
from headstart.methods.supervised import Supervised


class SourceOnly(Supervised):
    """Cross entropy on the source alone: what every adaptation has to beat.

    Batch norm keeps the source's statistics.

    Args:
        smoothing: Share of the target spread evenly over all classes.
    """

    streams = ("source",)
    recipe = RECIPE
