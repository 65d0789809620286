"""Two ways to see whether two sets differ: how well a classifier tells them apart, and how far apart their means are
in a kernel's space.

Both are computed for many assignments of the domains at once, the classifier learned anew for each.
Shapes: N items of both sets, D features, R assignments.
"""

from __future__ import annotations

import torch
from torch import Tensor

RIDGE = 0.01
"""Penalty a feature and item; features have a total variance near 1 a block."""
COLUMNS = 2**22
"""Numbers of an assignment matrix worked on at once."""
BLOCK = 2048
"""Items compared with each other in the kernel: beyond, random blocks of this many are summed, all items in one."""


def domain_scores(rows: Tensor, residuals: Tensor, folds: Tensor) -> Tensor:
    """float32 N×R: how much like the target each item looks, to ridge regressions that learned from the other folds.

    `residuals` (N×R) are domains less their chances. Linear in them, so R assignments cost little more than one.
    """
    count, width = rows.shape
    gram, target = rows.T @ rows, rows.T @ residuals
    penalty = RIDGE * count / width * torch.eye(width)
    scores = torch.empty_like(residuals)
    for fold in range(int(folds.max()) + 1):
        mine = folds == fold
        part = rows[mine]
        weights = torch.linalg.solve(gram - part.T @ part + penalty, target - part.T @ residuals[mine])
        scores[mine] = part @ weights
    return scores


def area_under_curve(scores: Tensor, domains: Tensor, weights: Tensor) -> Tensor:
    """float64 R: how often a target item's score is above a source item's, ties counted half.

    `scores` and `domains` are N×R; the source's items are weighted by `weights` (N), the target's are all alike.
    """
    ordered, order = scores.T.contiguous().sort(dim=1)
    target = domains.T.gather(1, order).double()  # R×N
    below = torch.nn.functional.pad((weights.double()[order] * (1 - target)).cumsum(dim=1), (1, 0))
    ends = (torch.searchsorted(ordered, ordered, right=right) for right in (False, True))
    halfway = torch.stack([below.gather(1, end) for end in ends]).mean(dim=0)
    return (halfway * target).sum(dim=1) / (target.sum(dim=1) * below[:, -1])


def separation(rows: Tensor, residuals: Tensor, domains: Tensor, folds: Tensor, weights: Tensor) -> Tensor:
    """float64 R: the cross-validated area of the domain classifier under each assignment (uint8 N×R)."""
    step = max(1, COLUMNS // len(rows))
    areas = []
    for part, drawn in zip(torch.split(residuals, step, dim=1), torch.split(domains, step, dim=1), strict=True):
        areas.append(area_under_curve(domain_scores(rows, part, folds), drawn, weights))
    return torch.cat(areas)


def discrepancy(rows: Tensor, residuals: Tensor, generator: torch.Generator) -> tuple[Tensor, float]:
    """float64 R: the squared distance of the domains' means in the space of a Gaussian kernel; and its bandwidth.

    Gretton et al. 2012, with the median distance as bandwidth. `residuals` (N×R) weight the items; domains less the
    target's share give the biased estimate of MMD² but for a factor, which `mmd_squared` knows.
    """
    order = torch.randperm(len(rows), generator=generator)
    blocks = order.tensor_split(-(-len(order) // BLOCK))
    distances = torch.pdist(rows[blocks[0]])
    bandwidth = float(distances[distances > 0].median()) if bool((distances > 0).any()) else 1.0
    total = torch.zeros(residuals.shape[1], dtype=torch.float64)
    for block in blocks:
        kernel = torch.cdist(rows[block], rows[block]).square_().div_(-2 * bandwidth**2).exp_()
        total += (residuals[block] * (kernel @ residuals[block])).sum(dim=0, dtype=torch.float64)
    return total * len(blocks), bandwidth


def mmd_squared(total: float, residuals: Tensor, domain: Tensor) -> float:
    """The squared distance between two weighted means, from the sum that `discrepancy` gives for the true domains."""
    return total / float(residuals[domain].double().sum()) ** 2
