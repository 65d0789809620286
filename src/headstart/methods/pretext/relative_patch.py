"""Relative patches (Doersch, Gupta and Efros 2015, arXiv 1505.05192): where does the second lie, seen from the first?

What would answer it without a look at what is shown (section 3.1): lines that go on from patch to patch are broken by a
gap and by jitter; colours that a lens drags apart, the farther from its axis the more, tell where in the picture
a patch comes from, and are taken off.

Shapes: n items in this process, P pairs an item.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Recipe, Views
from headstart.errors import InputError
from headstart.methods.pretext.patch_question import PatchQuestion
from headstart.methods.pretext.patches import SMALLEST, cut, one_channel, without_green_magenta
from headstart.settings import Range
from headstart.views import plain

DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Rows down and columns to the right from the first patch to the second, by answer."""

Pixels = Annotated[int, Range(least=0)]


class RelativePatch(PatchQuestion):
    """Of two patches of a picture the network says which of the first one's eight neighbours the second is.

    Args:
        patch: Pixels a side of a patch; as large as fits twice where it is not set.
        gap: Pixels between neighbours; half a patch where it is not set.
        jitter: Pixels by which each patch may be off its place; 7 in 96 of a patch where it is not set.
        pairs: Pairs that are cut out of each picture at a time.
        colours: drop shows one channel of each patch, project takes green against magenta away, keep hides nothing.
        normalise: Show every patch with the same mean and deviation.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=64, epochs=40, warmup_epochs=5)

    directions: Tensor

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        patch: Annotated[int, Range(least=SMALLEST)] | None = None,
        gap: Pixels | None = None,
        jitter: Pixels | None = None,
        pairs: Annotated[int, Range(least=1)] = 4,
        colours: Literal["drop", "project", "keep"] = "drop",
        normalise: bool = False,
    ) -> None:
        self.patch, self.gap, self.jitter = _layout(min(facts.shape[1:]), patch, gap, jitter)
        super().__init__(encoder, facts, patches=2, size=self.patch, answers=len(DIRECTIONS), normalise=normalise)
        self.pairs, self.colours = pairs, colours
        self.register_buffer("directions", torch.tensor(DIRECTIONS), persistent=False)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """2nP patches, the two of a pair side by side, and the answers to the nP pairs."""
        answers = draw.integers("direction", len(DIRECTIONS), self.pairs)
        steps = self.directions[answers] * (self.patch + self.gap)
        top, left = (
            self._along(draw.named(name), length, step)
            for name, length, step in zip(("top", "left"), batch.items.shape[2:], steps.unbind(dim=2), strict=True)
        )
        patches = cut(plain(batch.items), top, left, self.patch)
        if self.colours == "drop":
            patches = one_channel(patches, draw)
        elif self.colours == "project":
            patches = without_green_magenta(patches)
        return self.enlarged(patches), answers.flatten()

    def _along(self, draw: Draw, length: int, step: Tensor) -> Tensor:
        """int64 n×2P×1: where patches begin on one axis, for n×P steps from the first to the second of a pair."""
        room = length - 2 * self.jitter - self.patch - step.abs()
        least = (draw.uniform("place", self.pairs) * (room + 1)).long()
        first = least - step.clamp(max=0)
        jitter = draw.integers("jitter", 2 * self.jitter + 1, self.pairs, 2)
        return (torch.stack([first, first + step], dim=2) + jitter).flatten(1)[:, :, None]


def _layout(side: int, patch: int | None, gap: int | None, jitter: int | None) -> tuple[int, int, int]:
    """Patch, gap and jitter for pictures whose shorter side is `side`, in pixels.

    Raises:
        InputError: Two neighbours don't fit into a picture, or could overlap.
    """
    sizes = range(side // 2, SMALLEST - 1, -1) if patch is None else (patch,)
    layouts = [_filled(size, gap, jitter) for size in sizes]
    fitting = next((layout for layout in layouts if _span(*layout) <= side), None)
    if fitting is None:
        patch, gap, jitter = _filled(patch or SMALLEST, gap, jitter)
        raise InputError(
            f"relative_patch: two neighbours of {patch} pixels with a gap of {gap} and a jitter of {jitter} take "
            f"{_span(patch, gap, jitter)} pixels, and the pictures have {side}.\n"
            f"Lower --patch (at least {SMALLEST}), --gap or --jitter, or bring the pictures to another --size."
        )
    patch, gap, jitter = fitting
    if 2 * jitter > gap:
        raise InputError(
            f"--jitter {jitter}: over a gap of {gap} neighbours could overlap, which would answer the question. "
            "Choose at most half of --gap."
        )
    return fitting


def _filled(patch: int, gap: int | None, jitter: int | None) -> tuple[int, int, int]:
    """The paper's shares of a patch for what is not set: a gap of half of it, a jitter of 7 pixels in 96."""
    gap = round(patch / 2) if gap is None else gap
    usual = min(max(1, round(patch * 7 / 96)), gap // 2)
    return patch, gap, usual if jitter is None else jitter


def _span(patch: int, gap: int, jitter: int) -> int:
    """Pixels that two neighbours take at most."""
    return 2 * patch + gap + 2 * jitter
