"""Jigsaw puzzles (Noroozi and Favaro 2016, arXiv 1603.09246): nine shuffled tiles, and which shuffle was it?

What would answer it without a look at what is shown (section 4.2): lines that go on from tile to tile are broken, since
a tile is moved in its cell, by up to half of what that leaves free; means and deviations, alike in neighbours, are made
the same for all; colours that a lens drags apart, the farther from its axis the more, are taken off; and that every
tile turns up at every place, differently in every shuffle, is what the set of permutations is chosen for.

Shapes: n items in this process, C channels, K permutations.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Recipe, Views
from headstart.errors import InputError
from headstart.methods.pretext.patch_question import PatchQuestion
from headstart.methods.pretext.patches import SMALLEST, cut, one_channel
from headstart.methods.pretext.permutations import LARGEST, PLACES, permutation_set
from headstart.settings import Range
from headstart.views import Greyscale, View, plain

ROW = 3
"""Tiles in a row of the puzzle, and in a column."""

GAP = 11 / 75
"""Of a cell: what its tile leaves free, in the paper; rounded up here, for a pixel alone would let many tiles touch."""

SHIFT = 2 / 64
"""Of a tile: the farthest that the paper shifts a channel."""

GREY = 0.3
"""Pictures without colour where channels are shifted, in the paper."""

LEAST = ROW * ceil(SMALLEST / (1 - GAP))
"""Pixels a side of pictures whose tiles are just large enough."""


class Jigsaw(PatchQuestion):
    """Nine tiles of a picture are shuffled, and the network says which permutation of a fixed set did it.

    Args:
        permutations: How many there are to tell apart; chosen to differ in as many places as can be.
        tile: Pixels a side of a tile, somewhere in its cell of a third of the picture; 64 in 75 where it is not set.
        colours: drop shows one channel of each tile; shift is the paper's way, which weakens what a lens gives away:
            each channel is off by up to 2 in 64 of a tile, 3 pictures in 10 are grey; keep hides nothing.
        normalise: Show every tile with the same mean and deviation.
    """

    recipe = Recipe(optimizer="adamw", lr=5e-4, weight_decay=5e-2, batch_size=64, epochs=20, warmup_epochs=5)

    orders: Tensor

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        permutations: Annotated[int, Range(least=2, most=LARGEST)] = 100,
        tile: Annotated[int, Range(least=SMALLEST)] | None = None,
        colours: Literal["drop", "shift", "keep"] = "drop",
        normalise: bool = True,
    ) -> None:
        cell = min(facts.shape[1:]) // ROW
        self.tile = tile or cell - ceil(GAP * cell)
        self.shift = max(1, round(SHIFT * self.tile)) if colours == "shift" and facts.shape[0] > 1 else 0
        _check(min(facts.shape[1:]), cell, self.tile, self.shift)
        super().__init__(encoder, facts, patches=PLACES, size=self.tile, answers=permutations, normalise=normalise)
        self.colours = colours
        self.grey = View(grey=Greyscale(probability=GREY))
        self.register_buffer("orders", permutation_set(permutations), persistent=False)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """9n tiles, item by item and row by row of the shuffled puzzle, and the permutations: tile order[place]."""
        answers = draw.integers("permutation", len(self.orders))
        cells = self.orders[answers]
        images = self.grey(batch.items, draw) if self.colours == "shift" else plain(batch.items)
        channels, height, width = images.shape[1:]
        top = self._along(draw.named("top"), height, channels, cells // ROW)
        left = self._along(draw.named("left"), width, channels, cells % ROW)
        tiles = cut(images, top, left, self.tile)
        return self.enlarged(one_channel(tiles, draw) if self.colours == "drop" else tiles), answers

    def _along(self, draw: Draw, length: int, channels: int, place: Tensor) -> Tensor:
        """int64 n×9×C: where tiles begin on one axis, for n×9 rows or columns of the puzzle (0…2) they come from."""
        cell = length // ROW
        grid = draw.integers("grid", length - ROW * cell + 1, 1)
        within = draw.integers("within", (cell - self.tile - 2 * self.shift) // 2 + 1, PLACES)
        shift = draw.integers("shift", 2 * self.shift + 1, PLACES, channels)
        return (grid + place * cell + within)[:, :, None] + shift


def _check(side: int, cell: int, tile: int, shift: int) -> None:
    """Raises `InputError` where pictures whose shorter side is `side` have no room for the puzzle."""
    if tile < SMALLEST:
        raise InputError(
            f"jigsaw needs pictures of {LEAST} pixels a side or more, for nine tiles of {SMALLEST} with gaps; "
            f"these have {side}.\nBring them to another --size, or choose another method."
        )
    if tile + 2 * shift > cell:
        shifted = f" and {shift} on either side for shifted channels" if shift else ""
        raise InputError(
            f"--tile {tile}: of pictures of {side} pixels a third has {cell}, too few for the tile{shifted}. "
            f"Choose at most {cell - 2 * shift}."
        )
