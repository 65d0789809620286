"""BYOL's loss: predict the teacher's projection, up to its length.

Grill et al. 2020, arXiv 2006.07733, equation 2.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.losses.precision import precise


def normalized_l2(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean over n rows of the squared distance between n×D rows brought to length one: 2 - 2·cosine, in 0…4.

    No gradient is stopped here: give a target without one.
    """
    with torch.autocast(prediction.device.type, enabled=False):
        apart = F.normalize(precise(prediction), dim=1) - F.normalize(precise(target), dim=1)
        return apart.square().sum(dim=1).mean()
