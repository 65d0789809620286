"""Orders of the nine tiles of a puzzle that differ from each other in as many places as can be.

No set of permutations of 9 things that differ pairwise in d places or more has more than 9!/(d-1)! members. For d = 8
and d = 7 groups of just that size are known: the affine maps of the field of nine elements (72), and the linear
fractional maps of the field of eight and a point at infinity (504); with the field's automorphism the latter become
1,512, which differ in 6 places or more.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

PLACES = 9

AFFINE = ((1, 2, 0, 4, 5, 3, 7, 8, 6), (0, 4, 8, 5, 6, 1, 7, 2, 3))
"""x + 1 and gx over nine elements a + bi, written a + 3b, with i² = -1 and g = 1 + i."""

FRACTIONAL = ((1, 0, 3, 2, 5, 4, 7, 6, 8), (0, 2, 4, 6, 3, 1, 7, 5, 8), (8, 1, 5, 6, 7, 2, 3, 4, 0))
"""x + 1, zx and 1/x over eight elements, the bits of polynomials in z with z³ = z + 1, and infinity, written 8."""

SQUARE = (0, 1, 4, 5, 6, 7, 2, 3, 8)
"""x² over the same."""

GROUPS = (AFFINE, FRACTIONAL, (*FRACTIONAL, SQUARE))
LARGEST = 1512


@cache
def permutation_set(count: int) -> Tensor:
    """int64 count×9: distinct permutations, the same for a count at every call; at most `LARGEST`.

    From the smallest group that has so many, each next one is the farthest from those before it, and of several such
    the one farthest on average (Noroozi and Favaro 2016, algorithm 1, looks at the average alone).
    """
    everyone = next(group for group in map(_generated, GROUPS) if len(group) >= count)
    distances = (everyone[:, None] != everyone).sum(dim=2)
    least, total, chosen = distances[0].clone(), distances[0].clone(), [0]
    while len(chosen) < count:
        farthest = int((least * PLACES * count + total).argmax())
        chosen.append(farthest)
        torch.minimum(least, distances[farthest], out=least)
        total += distances[farthest]
    return everyone[chosen].long()


def _generated(generators: tuple[tuple[int, ...], ...]) -> Tensor:
    """uint8 M×9: every product of the generators, the identity first."""
    found = torch.arange(PLACES, dtype=torch.uint8)[None]
    while True:
        products = [found[:, list(generator)] for generator in generators]
        further: Tensor = torch.unique(torch.cat([found, *products]), dim=0)
        if len(further) == len(found):
            return found
        found = further
