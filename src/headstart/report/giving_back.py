"""What a network gave back, the same on the page of `reconstruct` and in the report of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.report.content import GivenBack, Reconstructions
from headstart.report.markup import escape, image

LEAD = "The item, what the network saw of it where that differs, and what it gave back, with the error of each."
BETWEEN = "Equal steps between the latent numbers of two items."
SIDE = 84


def mean_error(shown: Reconstructions) -> str:
    """How wrong all items are, in words."""
    return f"{shown.items:,} items · mean {shown.measure} {shown.error:.4f}"


def reconstruction_strips(shown: Reconstructions) -> str:
    """What is to be known of the pictures, a line an item under each heading, and the walk between two items."""
    remark = f"<p>{escape(shown.remark)}</p>" if shown.remark else ""
    groups = "".join(
        f"<h3>{escape(heading)}</h3>{''.join(map(_strip, items))}" for heading, items in shown.groups.items()
    )
    return f"{remark}{groups}{_walk(shown.between)}"


def _strip(shown: GivenBack) -> str:
    """An item's class and error, the picture, what was seen of it, and what was given back."""
    steps = [("as it is", shown.original), ("as it was seen", shown.seen), ("given back", shown.given)]
    drawn = '<span class="arrow">→</span>'.join(
        image(picture, f"{shown.title}, {name}", side=SIDE) for name, picture in steps if picture is not None
    )
    return (
        f'<div class="strip"><span class="class">{escape(shown.title)}<br><small>{shown.error:.4f}</small></span>'
        f"{drawn}</div>"
    )


def _walk(between: Sequence[np.ndarray]) -> str:
    if not between:
        return ""
    steps = "".join(image(step, f"step {number}", side=SIDE) for number, step in enumerate(between, 1))
    return f'<h3>Between two items</h3><p class="lead">{BETWEEN}</p><div class="strip">{steps}</div>'
