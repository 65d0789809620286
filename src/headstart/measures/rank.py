"""The effective rank of a representation: how many directions it really uses."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-7


def rank_me(features: Tensor) -> Tensor:
    """RankMe of N×D features: exp of the entropy of their normalised singular values, in 1…min(N, D).

    Garrido et al. 2023, arXiv 2210.02885, equation 3. Features are taken as they are, not centred.
    """
    values = torch.linalg.svdvals(features.double())
    shares = values / values.sum().clamp_min(torch.finfo(torch.float64).tiny) + EPSILON
    return torch.exp(-(shares * shares.log()).sum())
