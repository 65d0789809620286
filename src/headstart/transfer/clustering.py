"""Groups among unlabelled items, by how they hang together in their neighbour graph.

Shapes: M items, K clusters, k neighbours.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from headstart import randomness
from headstart.evaluation import Bank, Nearest

NEAR = 0.25
"""Items are near-duplicates where they are this share of the usual distance between nearest neighbours apart."""

ROUNDING = 2e-3
"""Distances below this are rounding errors of a cosine."""

STARTS, STARTED = 4, 40
"""How often k-means starts anew, and how many clusters it starts with in all at most: from one start ten clusters now
and then split a class and merge two others; fifty are well off with one."""

SOURCES = 256
"""Random sources that labels are spread from: angles between items are kept to some hundredths."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def distances(found: Nearest) -> Floats:
    """M×k distances on the unit sphere to the neighbours found."""
    return np.asarray(np.sqrt(np.maximum(2 - 2 * found.similarity.double().numpy(), 0)))


def typicality(bank: Bank) -> Floats:
    """M densities: the inverse of the mean distance to the nearest neighbours (Hacohen et al. 2022, equation 1)."""
    return np.asarray(1 / np.maximum(distances(bank.neighbours).mean(axis=1), ROUNDING))


def near_duplicates(bank: Bank) -> Ints:
    """M group numbers: items with one number are copies of each other, or nearly."""
    apart = distances(bank.neighbours)
    nearest = apart[:, 0]
    usual = float(np.median(nearest[nearest > ROUNDING])) if (nearest > ROUNDING).any() else 0.0
    rows, columns = np.nonzero(apart <= max(NEAR * usual, ROUNDING))
    links = sparse.coo_matrix(
        (np.ones(len(rows), np.int8), (rows, bank.neighbours.rows.numpy()[rows, columns])), shape=(len(bank),) * 2
    )
    return np.asarray(sparse.csgraph.connected_components(links, directed=False)[1], dtype=np.int64)


def reach(bank: Bank, seed: int) -> NDArray[np.float32]:
    """M×R unit rows: where labels would spread to from each item, twice over; R random sources stand for all M.

    Items are alike where these rows are. On digits, Fashion-MNIST and photographs clusters of them follow classes
    better than k-means on the features does, however often it starts, and don't hang on how many eigenvectors of the
    graph are kept.
    """
    made = randomness.generator(seed, "sources of clusters")
    reached = torch.randn(len(bank), SOURCES, generator=made).numpy()
    for _ in range(2):
        reached = bank.graph.spread(reached)
    return np.asarray(reached / np.maximum(np.linalg.norm(reached, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def clusters(rows: NDArray[np.float32], count: int, seed: int) -> Ints:
    """M numbers 0…K-1 of `count` clusters by k-means of M×R rows; some are empty where fewer rows differ."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    starts = max(1, min(STARTS, STARTED // count))
    maker = KMeans(count, n_init=starts, random_state=randomness.key(seed, "clusters") % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(maker.fit_predict(rows), dtype=np.int64)
