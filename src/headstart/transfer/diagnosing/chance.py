"""What chance alone would give: other domains for the same items, and the p-values that they lead to.

Shapes: N items of both sets, R rounds; column 0 holds the true domains.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDS = 999
"""Random assignments beside the true one: p-values are multiples of 1/1000, and four tests can be corrected for."""


def shuffled(domain: Tensor, strata: Tensor, generator: torch.Generator, rounds: int = ROUNDS) -> Tensor:
    """uint8 N×(R+1): domains (bool N) permuted within `strata` (int64 N).

    Any statistic's rank among these columns is an exact p-value where the domains are exchangeable within each stratum.
    """
    slots = strata.argsort(stable=True)
    made = torch.empty(len(domain), rounds + 1, dtype=torch.uint8)
    made[:, 0] = domain
    for column in range(1, rounds + 1):
        keys = torch.rand(len(domain), generator=generator, dtype=torch.float64) + strata
        made[slots, column] = made[keys.argsort(), 0]
    return made


def redrawn(domain: Tensor, propensity: Tensor, generator: torch.Generator, rounds: int = ROUNDS) -> Tensor:
    """uint8 N×(R+1): domains drawn anew, each item's with its own chance of being in the target (float64 N).

    Systematic sampling in random order: every column has as many target items as the set has, and each item is one
    with exactly its chance. With equal chances these are plain permutations.
    """
    count = int(domain.sum())
    made = torch.empty(len(domain), rounds + 1, dtype=torch.uint8)
    made[:, 0] = domain
    for column in range(1, rounds + 1):
        order = torch.randperm(len(domain), generator=generator)
        start = torch.rand((), generator=generator, dtype=torch.float64)
        reached = propensity[order].cumsum(0).add(start).floor_()
        reached[-1] = count
        made[order, column] = torch.diff(reached, prepend=reached.new_zeros(1)).to(torch.uint8)
    return made


def p_values(statistics: Tensor) -> Tensor:
    """float64 R+1: for each column the share of all whose statistic is at least as large."""
    ordered = statistics.sort().values
    below = torch.searchsorted(ordered, statistics.contiguous())
    return (len(statistics) - below).double() / len(statistics)


def joint_p_value(*statistics: Tensor) -> float:
    """One p-value for several statistics of the same rounds: the smallest's own, among the smallest of every round.

    Westfall and Young 1993: exact, and it pays for the number of statistics only as far as they disagree.
    """
    smallest = torch.stack([p_values(one) for one in statistics]).amin(dim=0)
    return float((smallest <= smallest[0]).sum()) / len(smallest)
