"""Deep CORAL: the covariances of source and target should be the same.

Sun and Saenko 2016, arXiv 1607.01719, equations 1 to 3. Shapes: n rows in this process, N over all, D numbers a row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.collectives import gather
from headstart.losses.precision import precise


def coral(source: Tensor, target: Tensor) -> Tensor:
    """‖C_S - C_T‖²_F / 4D² of the covariances (over N-1) of n×D rows of each domain; N is 2 or more."""
    with torch.autocast(source.device.type, enabled=False):
        apart = _covariance(gather(precise(source))) - _covariance(gather(precise(target)))
        return apart.square().sum() / (4 * source.shape[1] ** 2)


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(dim=0)
    return centred.T @ centred / (len(rows) - 1)
