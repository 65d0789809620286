"""How far a map can be trusted: whether what is near in it is near in the features, and the other way round.

Trustworthiness and continuity: Venna and Kaski 2001, Neighborhood preservation in nonlinear projection methods.
Shapes: N items of D features, A of them asked about, k neighbours.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from headstart.evaluation.threads import threads_for
from headstart.randomness import permutation

EXACT = 5_000
"""Items up to which each is asked about its neighbours; of more, a sample is."""
SAMPLE = 2_000
CHUNK_ELEMENTS = 2**22
"""Distances that a thread holds at once."""
SECONDS_A_PAIR = 4e-8
"""Of an item asked about and another one, on two cores: one needs 58 to 85 ns at 2,000 to 100,000 items."""


@dataclass(frozen=True)
class Faithfulness:
    """Figures in 0…1, the higher the better; a random map has a trustworthiness of about ½."""

    trustworthiness: float
    """Less where items are near in the map that are far in the features."""
    continuity: float
    """Less where items are far in the map that are near in the features."""
    kept: float
    """The share of an item's k nearest in the features that are among its k nearest in the map."""
    asked: int
    """Items that the figures are means over."""


def asked_about(count: int, seed: int) -> Tensor:
    """int64 A: the items whose neighbourhoods are looked at, all up to `EXACT`, else a sample."""
    return torch.arange(count) if count <= EXACT else permutation(seed, "faithfulness", count)[:SAMPLE]


def judging_seconds(count: int) -> float:
    """What the faithfulness of a map of so many points should take."""
    return SECONDS_A_PAIR * count * (count if count <= EXACT else SAMPLE)


def faithfulness(features: Tensor, places: Tensor, neighbours: int, asked: Tensor) -> Faithfulness:
    """Compares the neighbourhoods of N×D features with those of N×2 places, for the items at `asked` (int64 A).

    Needs 2·neighbours < N, as no rank could be bad else.
    """
    count = len(features)
    features = features - features.mean(dim=0)  # small numbers keep their digits
    rows = max(1, CHUNK_ELEMENTS // count)

    def compare(some: Tensor) -> tuple[int, int, int]:
        far, near = _in_features(features, some), _in_map(places, some)
        wanted, shown = (one.topk(neighbours, largest=False).indices for one in (far, near))
        return _excess(far, shown), _excess(near, wanted), _common(wanted, shown)

    workers = torch.get_num_threads()
    with threads_for(0), ThreadPoolExecutor(workers) as threads:
        intruding, missing, kept = np.sum(list(threads.map(compare, torch.split(asked, rows))), axis=0).tolist()
    worst = len(asked) * neighbours * (2 * count - 3 * neighbours - 1) / 2
    return Faithfulness(1 - intruding / worst, 1 - missing / worst, kept / (len(asked) * neighbours), len(asked))


def _in_features(features: Tensor, some: Tensor) -> Tensor:
    """A×N squared distances from the items `some` to all, less a constant of each row; infinite to themselves."""
    squares = features.square().sum(dim=1)
    return _others(torch.addmm(squares[None, :], features[some], features.T, alpha=-2), some)


def _in_map(places: Tensor, some: Tensor) -> Tensor:
    """The same in two dimensions, where a matrix product would cost near items their digits."""
    x, y = places.T.contiguous()
    return _others((x[some, None] - x).square_().add_((y[some, None] - y).square_()), some)


def _others(distances: Tensor, some: Tensor) -> Tensor:
    distances[torch.arange(len(some)), some] = torch.inf
    return distances


def _excess(distances: Tensor, chosen: Tensor) -> int:
    """The sum of how far beyond k the ranks of A×k chosen items lie in rows of A×N distances."""
    ordered = torch.from_numpy(np.sort(distances.numpy(), axis=1))
    ranks = torch.searchsorted(ordered, distances.gather(1, chosen)) + 1
    return int((ranks - chosen.shape[1]).clamp_min_(0).sum())


def _common(one: Tensor, other: Tensor) -> int:
    return int((one[:, :, None] == other[:, None, :]).sum())
