"""Maximum mean discrepancy with several Gaussian kernels: two samples are alike where all their kernel means are.

Gretton et al. 2012 (JMLR 13, equation 5); Long et al. 2015, arXiv 1502.02791, use it as a loss with a family of kernels
around the one whose width is the data's own. Shapes: n rows in this process, N over all, D numbers a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from headstart.collectives import gather
from headstart.losses.precision import precise

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


def mmd(source: Tensor, target: Tensor, *, widths: Sequence[float] = WIDTHS) -> Tensor:
    """The squared discrepancy of n×D rows of each domain, the mean over kernels; 0 where both samples are the same.

    The kernel of a width w is exp(-‖x - y‖² / (w·m)), m the mean of ‖x - y‖² over all pairs of different rows of both
    domains together, taken as given. This is the biased statistic, which is never negative.
    """
    with torch.autocast(source.device.type, enabled=False):
        rows = torch.cat([gather(precise(source)), gather(precise(target))])  # [2N, D]
        lengths = rows.square().sum(dim=1)
        distances = (lengths[:, None] + lengths - 2 * rows @ rows.T).clamp_min(0)
        pairs = len(rows) * (len(rows) - 1)
        scale = (distances.detach().sum() / pairs).clamp_min(torch.finfo(rows.dtype).tiny)
        kernel = torch.stack([torch.exp(-distances / (width * scale)) for width in widths]).mean(dim=0)
        half = len(rows) // 2
        return kernel[:half, :half].mean() + kernel[half:, half:].mean() - 2 * kernel[:half, half:].mean()
