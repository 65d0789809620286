"""Places in a data set as a short text: 0,1,2,5 ↔ "0-2,5"."""

from __future__ import annotations

import torch
from torch import Tensor


def pack(index: Tensor) -> str:
    """Ascending int64 places as ranges, both ends included."""
    if not len(index):
        return ""
    breaks = torch.nonzero(index.diff() != 1).flatten() + 1
    runs = torch.tensor_split(index, breaks.tolist())
    return ",".join(f"{int(run[0])}-{int(run[-1])}" if len(run) > 1 else str(int(run[0])) for run in runs)


def unpack(text: str) -> Tensor:
    """The int64 places that `pack` was given."""
    ends = [[int(end) for end in run.split("-")] for run in text.split(",") if run]
    runs = [torch.arange(run[0], run[-1] + 1) for run in ends]
    return torch.cat(runs) if runs else torch.empty(0, dtype=torch.int64)
