"""log Σ exp of the cosines of all pairs, in the memory of a few rows: the denominator of contrastive losses.

The 2N×2N matrix of SimCLR is never held. It is made tile by tile, and made again in the backward pass, which costs one
product more and saves all the memory. Where rows are compared with themselves, only the tiles right of the diagonal are
made and count for both of their sides: two products in all, where an ordinary softmax needs three.

Shapes: R rows, C columns, D features; rows and columns are unit vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

TILE = 2**20
"""Numbers of a tile on the CPU, 4 MB: what was quickest of 2¹⁸ … 2²²."""

TILE_GPU = 2**25

PLAIN = 2**18
"""Pairs up to which everything is one tile and autograd's: the bookkeeping would cost more than it saves."""

SHARPEST = 0.025
"""Temperature down to which exp((cosine - 1)/τ) of any two unit vectors is a normal float32: exp(-80)."""


def log_sums(rows: Tensor, columns: Tensor | None, *, first: int, temperature: float) -> Tensor:
    """R: for each row, log Σ exp(row · column / τ) over all columns but the row's own.

    Args:
        rows: R×D unit vectors.
        columns: C×D unit vectors; None compares the rows with each other.
        first: Which column is the first row itself; row i's own column is first + i.
        temperature: τ > 0.
    """
    others = rows if columns is None else columns
    if len(rows) * len(others) <= PLAIN:
        own = torch.arange(first, first + len(rows), device=rows.device)
        logits = rows @ others.T / temperature
        return logits.scatter(1, own[:, None], -torch.inf).logsumexp(dim=1)
    sums: Tensor
    if columns is None and temperature >= SHARPEST:
        sums = _Mutual.apply(rows, temperature)
    else:
        sums = _Apart.apply(rows, others, first, temperature)
    return sums


def _spans(rows: Tensor, columns: int) -> Iterator[tuple[int, int]]:
    """Consecutive rows, as many as make a tile with that many columns."""
    tile = TILE if rows.device.type == "cpu" else TILE_GPU
    height = max(1, tile // columns)
    for start in range(0, len(rows), height):
        yield start, min(start + height, len(rows))


class _Mutual(torch.autograd.Function):
    """Rows among themselves. Unit vectors bound every logit by 1/τ, so no row needs its own maximum."""

    @staticmethod
    def tile(rows: Tensor, start: int, stop: int, temperature: float) -> Tensor:
        """exp((cosine - 1)/τ) of the rows start…stop with those from start on, a row with itself left out."""
        cosines = rows[start:stop] @ rows[start:].T
        tile = cosines.sub_(1).div_(temperature).exp_()
        tile.diagonal().zero_()
        return tile

    @staticmethod
    def forward(ctx: Any, rows: Tensor, temperature: float) -> Tensor:
        sums = rows.new_zeros(len(rows))
        for start, stop in _spans(rows, len(rows)):
            tile = _Mutual.tile(rows, start, stop, temperature)
            sums[start:stop] += tile.sum(dim=1)
            sums[stop:] += tile[:, stop - start :].sum(dim=0)
        ctx.temperature = temperature
        ctx.save_for_backward(rows, sums)
        return sums.log() + 1 / temperature

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rows, sums = ctx.saved_tensors
        weights = gradients[0] / sums / ctx.temperature
        found = torch.zeros_like(rows)
        for start, stop in _spans(rows, len(rows)):
            tile = _Mutual.tile(rows, start, stop, ctx.temperature)
            tile *= weights[start:stop, None] + weights[start:]
            found[start:stop] += tile @ rows[start:]
            found[stop:] += tile[:, stop - start :].T @ rows[start:stop]
        return found, None


class _Apart(torch.autograd.Function):
    """Rows of this process with columns of all, or any temperature: each row is scaled by its own sum."""

    @staticmethod
    def tile(rows: Tensor, columns: Tensor, start: int, stop: int, own: int, temperature: float) -> Tensor:
        """Logits of the rows start…stop with all columns, a row with itself left out."""
        tile = (rows[start:stop] @ columns.T).div_(temperature)
        tile[:, own + start :].diagonal().fill_(-torch.inf)
        return tile

    @staticmethod
    def forward(ctx: Any, rows: Tensor, columns: Tensor, own: int, temperature: float) -> Tensor:
        spans = _spans(rows, len(columns))
        sums = [_Apart.tile(rows, columns, *span, own, temperature).logsumexp(dim=1) for span in spans]
        ctx.own, ctx.temperature = own, temperature
        ctx.save_for_backward(rows, columns, torch.cat(sums))
        return torch.cat(sums)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        rows, columns, sums = ctx.saved_tensors
        weights = gradients[0] / ctx.temperature
        for_rows, for_columns = torch.zeros_like(rows), torch.zeros_like(columns)
        for start, stop in _spans(rows, len(columns)):
            tile = _Apart.tile(rows, columns, start, stop, ctx.own, ctx.temperature)
            tile = tile.sub_(sums[start:stop, None]).exp_().mul_(weights[start:stop, None])
            for_rows[start:stop] = tile @ columns
            for_columns += tile.T @ rows[start:stop]
        return for_rows, for_columns, None, None
