"""NT-Xent, the normalised temperature-scaled cross entropy of SimCLR.

Chen et al. 2020, arXiv 2002.05709, equation 1. Shapes: n pairs in this process, N pairs over all processes, D features.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.collectives import gather, rank, world_size
from headstart.losses.logsums import log_sums
from headstart.losses.precision import precise


def nt_xent(a: Tensor, b: Tensor, *, temperature: float = 0.5) -> Tensor:
    """The mean over all 2n rows of how badly each picks out its partner among the 2N-1 others.

    Args:
        a: n×D projections of one view, not normalised.
        b: n×D projections of the other view of the same items.
        temperature: τ > 0, by which cosines are divided.

    Rows are compared with those of every process, each of which must bring as many. Computed in float32 at least,
    whatever autocast says: exp(1/τ) overflows float16 already at τ = 0.09.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = F.normalize(precise(a), dim=1), F.normalize(precise(b), dim=1)
        mine = torch.cat([a, b])  # [2n, D]
        partners = torch.cat([b, a])
        everyone = gather(mine) if world_size() > 1 else None  # [2N, D], a rank's two views side by side
        sums = log_sums(mine, everyone, first=rank() * len(mine), temperature=temperature)
        return (sums - (mine * partners).sum(dim=1) / temperature).mean()
