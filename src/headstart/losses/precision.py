"""How precisely losses are computed, whatever autocast says of the network."""

from __future__ import annotations

import torch
from torch import Tensor


def precise(rows: Tensor) -> Tensor:
    """At least float32."""
    return rows if rows.dtype == torch.float64 else rows.float()
