"""Relative patches (Doersch, Gupta and Efros 2015, arXiv 1505.05192): where does the second lie, seen from the first?

What would answer it without a look at what is shown (section 3.1): lines that go on from patch to patch are broken by a
gap and by jitter; colours that a lens drags apart, the farther from its axis the more, tell where in the picture
a patch comes from, and are taken off.

Shapes: n items in this process, a pair of patches each.
"""

from __future__ import annotations

from itertools import count
from typing import Annotated, Literal, NamedTuple

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
        colours: Literal["drop", "project", "keep"] = "drop",
        normalise: bool = False,
    ) -> None:
        self.patch, self.gap, self.jitter = _layout(min(facts.shape[1:]), patch, gap, jitter)
        super().__init__(encoder, facts, patches=2, size=self.patch, answers=len(DIRECTIONS), normalise=normalise)
        self.colours = colours
        self.register_buffer("directions", torch.tensor(DIRECTIONS), persistent=False)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """2n patches, the two of a picture side by side, and n answers."""
        answers = draw.integers("direction", len(DIRECTIONS))
        steps = self.directions[answers] * (self.patch + self.gap)
        top, left = (
            self._along(draw.named(name), length, step)
            for name, length, step in zip(("top", "left"), batch.items.shape[2:], steps.unbind(dim=1), strict=True)
        )
        patches = cut(plain(batch.items), top, left, self.patch)
        if self.colours == "drop":
            patches = one_channel(patches, draw)
        elif self.colours == "project":
            patches = without_green_magenta(patches)
        return self.enlarged(patches), answers

    def _along(self, draw: Draw, length: int, step: Tensor) -> Tensor:
        """int64 n×2×1: where patches begin on one axis, for n steps from the first to the second of a pair."""
        room = length - 2 * self.jitter - self.patch - step.abs()
        least = (draw.uniform("place") * (room + 1)).long()
        first = least - step.clamp(max=0)
        jitter = draw.integers("jitter", 2 * self.jitter + 1, 2)
        return (torch.stack([first, first + step], dim=1) + jitter)[:, :, None]


class Layout(NamedTuple):
    """Patch, gap between neighbours and jitter, in pixels."""

    patch: int
    gap: int
    jitter: int

    @property
    def span(self) -> int:
        """Pixels that two neighbours take at most."""
        return 2 * self.patch + self.gap + 2 * self.jitter

    @property
    def apart(self) -> bool:
        """Whether neighbours can't overlap, wherever jitter moves them."""
        return 2 * self.jitter <= self.gap

    @classmethod
    def filled(cls, patch: int, gap: int | None, jitter: int | None) -> Layout:
        """The paper's shares of a patch for what is not set: a gap of half of it, a jitter of 7 pixels in 96."""
        gap = round(patch / 2) if gap is None else gap
        usual = min(max(1, round(patch * 7 / 96)), gap // 2)
        return cls(patch, gap, usual if jitter is None else jitter)


def _layout(side: int, patch: int | None, gap: int | None, jitter: int | None) -> Layout:
    """The layout in pictures whose shorter side is `side`.

    Raises:
        InputError: Two neighbours could overlap, or don't fit into a picture.
    """
    asked = Layout.filled(patch or SMALLEST, gap, jitter)
    if (patch is not None or gap is not None) and not asked.apart:
        raise InputError(
            f"--jitter {jitter}: over a gap of {asked.gap} neighbours could overlap, which would answer the question. "
            "Choose at most half of --gap."
        )
    # A gap that isn't given grows with the patch: by 4j - 1 pixels it is 2j, which keeps neighbours apart.
    least = Layout.filled(max(SMALLEST, 4 * (jitter or 0) - 1) if gap is None else SMALLEST, gap, jitter)
    if least.span > side:
        raise _too_small(side, least, gap, jitter)
    largest = next(one for size in count(side // 2, -1) if (one := Layout.filled(size, gap, jitter)).span <= side)
    if patch is None:
        return largest
    if asked.span > side:
        raise InputError(
            f"--patch {patch}: with a gap of {asked.gap} and a jitter of {asked.jitter} two neighbours take "
            f"{asked.span} pixels, and the pictures have {side}. Choose at most {largest.patch}, or lower --gap."
        )
    return asked


def _too_small(side: int, least: Layout, gap: int | None, jitter: int | None) -> InputError:
    """Pictures of `side` pixels have no room for the least layout there is with the gap and jitter that were given."""
    given = [flag for flag, value in (("--gap", gap), ("--jitter", jitter)) if value]
    between = f"--gap {gap}" if gap is not None else f"a gap of {least.gap}"
    off = f"--jitter {jitter}" if jitter is not None else f"a jitter of {least.jitter}"
    lower = f"Lower {' or '.join(given)}, or bring" if given else "Bring"
    return InputError(
        f"relative_patch needs pictures of {least.span} pixels a side or more, for two neighbours of {least.patch} "
        f"with {between} and {off}; these have {side}.\n{lower} them to a larger --size, or choose another method."
    )
