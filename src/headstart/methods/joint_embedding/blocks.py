"""I-JEPA's blocks of patches: several to be predicted, and a large one to predict them from, without any of them.

Assran et al. 2023, arXiv 2301.08243, section 3 and appendix A.1. Shapes: n items; V patches in rows and columns;
M target blocks of B patches each; a context of at most K patches.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from headstart.contracts import Draw
from headstart.errors import InputError

TARGETS = 4
TARGET_SHARE, TARGET_ASPECT = (0.15, 0.2), (0.75, 1.5)
CONTEXT_SHARE = (0.85, 1.0)


def check_grid(grid: tuple[int, int]) -> None:
    """Raises `InputError` where a block of one patch would be more than its share of the picture."""
    rows, columns = grid
    if rows * columns * TARGET_SHARE[1] < 1:
        raise InputError(
            f"ijepa hides blocks of patches, and these pictures have {rows}×{columns} patches: bring them to a larger "
            "--size."
        )


def context_and_targets(grid: tuple[int, int], draw: Draw) -> tuple[Tensor, Tensor]:
    """bool n×V, true for what is in the context, and int64 n×M×B patches of the target blocks.

    How large blocks are is drawn for the step, where they lie for each item. Targets overlap as they fall. No block is
    larger than its share of the picture, so some patch is always left: where that is none of the context's block, all
    that are no target's are the context.
    """
    limits = (TARGET_SHARE, TARGET_ASPECT, CONTEXT_SHARE)
    at = torch.rand(len(limits), generator=draw.generator("sizes")).tolist()
    share, aspect, large = (low + (high - low) * part for part, (low, high) in zip(at, limits, strict=True))
    targets = blocks(grid, block_sides(grid, share, aspect), draw.uniform("targets", TARGETS, 2))
    around = blocks(grid, block_sides(grid, large, 1.0), draw.uniform("context", 1, 2))
    taken = _marked(targets, grid)
    context = _marked(around, grid) & ~taken
    return torch.where(context.any(dim=1, keepdim=True), context, ~taken), targets


def block_sides(grid: tuple[int, int], share: float, aspect: float) -> tuple[int, int]:
    """Rows and columns of a block with about so many rows to a column, of this share of the grid and never more."""
    area = max(int(share * grid[0] * grid[1]), 1)
    rows = min(max(round(sqrt(area * aspect)), -(-area // grid[1]), 1), grid[0])
    return rows, min(area // rows, grid[1])


def blocks(grid: tuple[int, int], sides: tuple[int, int], place: Tensor) -> Tensor:
    """int64 n×M×B patches of blocks of these sides, which n×M×2 numbers in 0…1 place anywhere inside the grid."""
    top, left = (
        (place[:, :, axis] * (length - side + 1)).long()[:, :, None, None]
        for axis, (length, side) in enumerate(zip(grid, sides, strict=True))
    )
    down, across = (torch.arange(side, device=place.device) for side in sides)
    return ((top + down[:, None]) * grid[1] + left + across).flatten(2)


def places_of(context: Tensor) -> tuple[Tensor, Tensor]:
    """int64 n×K places of the true ones in bool n×V, each row filled up with others, and bool n×K, false for these."""
    count = context.sum(dim=1)
    places = (~context).byte().argsort(dim=1, stable=True)[:, : int(count.max())]
    return places, torch.arange(places.shape[1], device=context.device) < count[:, None]


def _marked(places: Tensor, grid: tuple[int, int]) -> Tensor:
    """bool n×V, true for the patches in any of n×M×B `places`."""
    marked = torch.zeros(len(places), grid[0] * grid[1], dtype=torch.bool, device=places.device)
    return marked.scatter(1, places.flatten(1), True)
