"""Mixup: pictures and their labels are mixed in pairs (Zhang et al. 2017, 1710.09412, section 2).

Shapes: n items in this process, N in the whole batch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from headstart.collectives import gather
from headstart.contracts import Draw, Views


def mixed(images: Tensor, labels: Tensor, draw: Draw, alpha: float) -> Views:
    """n×C×H×W images, each mixed with one of the whole batch; both labels, int64 n; the first one's share, float n.

    Shares are drawn from Beta(α, α), one an item; partners are a random order of the batch.
    """
    partners = torch.randperm(draw.part.total, generator=draw.generator("partners"))
    shares = np.random.default_rng(draw.generator("shares").initial_seed()).beta(alpha, alpha, draw.part.total)
    mine = slice(draw.part.start, draw.part.stop)
    others = partners[mine].to(images.device)
    share = torch.from_numpy(shares[mine]).to(images)
    kept = share[:, None, None, None]
    return kept * images + (1 - kept) * gather(images)[others], labels, gather(labels)[others], share
