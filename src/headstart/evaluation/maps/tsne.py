"""t-SNE: near items stay near, whatever becomes of the far ones.

Van der Maaten and Hinton 2008, Visualizing data using t-SNE, from a PCA start. Attraction runs over each item's nearest
neighbours (Van der Maaten 2014, Accelerating t-SNE using tree-based algorithms, section 4.1), repulsion through a grid
(Linderman et al. 2019, Fast interpolation-based t-SNE). The interpolation here is by cubic splines, whose error is
a ninth of that of cubic polynomials, so that a grid half as fine in each direction does.
Shapes: N items of D features, T new ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn import functional as F

from headstart.evaluation.maps.fitted import Fitted
from headstart.evaluation.maps.pca import principal_components
from headstart.evaluation.neighbours import closest
from headstart.evaluation.threads import threads_for
from headstart.terminal import Meter, progress

PERPLEXITY = 30.0
NEIGHBOURS_TO_PERPLEXITY = 3
DIMENSIONS = 50
"""Principal components that distances are taken in."""

START = 1e-4
EARLY, STEPS = 100, 300
"""Fewer than is usual: trustworthiness was that of scikit-learn's 1,000 steps, at 500 and at 10,000 items."""
EXAGGERATION = 12.0
SLOWEST, LONGEST_STEP = 50.0, 5.0
BLOCKS = 4
"""Of rows, whose attraction is computed side by side."""

ALL_PAIRS = 1_000
"""Items up to which every pair is computed, which is faster."""
SPACING, MOST_NODES, COARSER, ROUND = 0.6, 1024, 1.05, 16
"""Of the grid: the distance between nodes, kept up to so many nodes a side and made longer by this factor beyond; nodes
come in multiples, so that few grids differ."""

PLACED_BETWEEN = 5

Floats = NDArray[np.float32]
Forces = Callable[[Floats], tuple[Floats, Floats]]
"""Attraction and repulsion, N×2 each, of N×2 places."""


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features at a perplexity of 30 (less where there are few); no part of it is drawn at random.

    New items come between their nearest ones on the map.
    """
    components = principal_components(features, DIMENSIONS)
    reduced = torch.from_numpy(components.transform(features.numpy())).float()
    places = torch.from_numpy(_laid_out(reduced)) if known is None else known

    def place(new: Tensor) -> Tensor:
        found = torch.from_numpy(components.transform(new.numpy())).float()
        near = closest(found, reduced, PLACED_BETWEEN)
        weights = 1 / near.squared.clamp_min(1e-12)  # an item that is there already gets its own place
        return (weights[:, :, None] * places[near.rows]).sum(dim=1) / weights.sum(dim=1, keepdim=True)

    return Fitted(places, place)


def _laid_out(reduced: Tensor) -> Floats:
    """float32 N×2, from the first two principal components at a small scale."""
    start = F.pad(reduced[:, :2], (0, max(0, 2 - reduced.shape[1])))
    places = (start / start[:, 0].std() * START).numpy()
    return _descended(_affinities(reduced, min(PERPLEXITY, (len(reduced) - 1) / NEIGHBOURS_TO_PERPLEXITY)), places)


def _descended(pull: sparse.csr_matrix, places: Floats) -> Floats:
    """N×2 places from where N×N shares have pulled them, exaggerated at first.

    Each sum is one thread's, so that their number changes no bit and none waits for another at every small operation.
    """
    workers, upper = torch.get_num_threads(), sparse.triu(pull, 1, "csr")
    with threads_for(0), ThreadPoolExecutor(workers) as pool, progress("t-SNE", EARLY + STEPS, "steps") as meter:
        if len(places) <= ALL_PAIRS:
            forces: Forces = partial(_forces, Attraction(upper, 0, len(places)))
        else:
            blocks = np.array_split(np.arange(len(places)), BLOCKS)
            forces = partial(_forces_side_by_side, pool, [Attraction(upper, rows[0], rows[-1] + 1) for rows in blocks])
        for exaggeration, steps, momentum in ((EXAGGERATION, EARLY, 0.5), (1.0, STEPS, 0.8)):
            places = _descend(places, forces, exaggeration, steps, momentum, meter)
    return places


def _forces(attraction: Attraction, places: Floats) -> tuple[Floats, Floats]:
    """Attraction and repulsion of a few items at N×2 places."""
    push, total = all_pairs(places)
    return _pulled(places, attraction(places)), push / total


def _forces_side_by_side(
    pool: ThreadPoolExecutor, attractions: Sequence[Attraction], places: Floats
) -> tuple[Floats, Floats]:
    """The same of many, by several threads."""
    pushed = pool.submit(through_grid, places)
    sums = sum(pool.map(lambda one: one(places), attractions), start=np.zeros((len(places), 3), np.float32))
    push, total = pushed.result()
    return _pulled(places, sums), push / total


def _affinities(reduced: Tensor, perplexity: float) -> sparse.csr_matrix:
    """N×N symmetric shares that sum to one, over the nearest neighbours of each item."""
    count = len(reduced)
    near = closest(reduced, reduced, round(NEIGHBOURS_TO_PERPLEXITY * perplexity), exclude=torch.arange(count))
    shares = conditional(near.squared, perplexity).numpy()
    rows = np.repeat(np.arange(count), shares.shape[1])
    directed = sparse.csr_matrix((shares.ravel(), (rows, near.rows.numpy().ravel())), shape=(count, count))
    both = (directed + directed.T).tocsr()
    both.data /= np.float32(2 * count)
    return both


def conditional(squared: Tensor, perplexity: float, steps: int = 40) -> Tensor:
    """N×k shares of neighbours at N×k ascending squared distances, whose perplexity is the same in every row.

    Gaussian in the distance; each row's precision is found by bisection on a logarithmic scale.
    """
    beyond = squared - squared[:, :1]
    beyond = beyond / beyond.mean(dim=1, keepdim=True).clamp_min(1e-30)
    low, high = torch.full_like(beyond[:, :1], -20.0), torch.full_like(beyond[:, :1], 40.0)
    for _ in range(steps):
        middle = (low + high) / 2
        logs = torch.log_softmax(-beyond * middle.exp(), dim=1)
        even = -(logs.exp() * logs).sum(dim=1, keepdim=True) > math.log(perplexity)
        low, high = torch.where(even, middle, low), torch.where(even, high, middle)
    return torch.softmax(-beyond * low.exp(), dim=1)


def _descend(
    places: Floats,
    forces: Forces,
    exaggeration: float,
    steps: int,
    momentum: float,
    meter: Meter,
) -> Floats:
    """Gradient descent with momentum and a gain for each coordinate (Jacobs 1988), as in the paper's section 3.4."""
    rate = np.float32(max(len(places) / exaggeration, SLOWEST))
    step, gain = np.zeros_like(places), np.ones_like(places)
    for _ in range(steps):
        pull, push = forces(places)
        gradient = np.float32(exaggeration) * pull - push
        agrees = (step < 0) == (gradient > 0)
        gain = np.maximum(np.where(agrees, gain + np.float32(0.2), gain * np.float32(0.8)), np.float32(0.01))
        step = np.float32(momentum) * step - rate * gain * gradient
        step *= np.minimum(1, LONGEST_STEP / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-12))
        places = places + step
        places -= places.mean(axis=0)
        done = meter.done + 1
        meter.update(done, done / (time.monotonic() - meter.began))
    return places


class Attraction:
    """Σ_j p w (1, y_j), N×3, of N×2 places, for N×N shares p and w = 1/(1 + |y_i − y_j|²): what some of the rows add.

    Shares are symmetric, so that those above the diagonal tell all.
    """

    def __init__(self, upper: sparse.csr_matrix, first: int, end: int) -> None:
        self.some, self.upper = slice(first, end), upper[first:end]
        self.repeats = torch.from_numpy(np.diff(self.upper.indptr))
        self.columns = torch.from_numpy(self.upper.indices)
        self.shares = torch.from_numpy(self.upper.data)

    def __call__(self, places: Floats) -> Floats:
        """N×3."""
        apart = torch.ones_like(self.shares)
        for axis in torch.from_numpy(places.T.copy()):
            here = axis[self.some].repeat_interleave(self.repeats, output_size=len(apart))
            apart += here.sub_(axis.index_select(0, self.columns)).square_()
        weights = torch.div(self.shares, apart).numpy()
        upper = sparse.csr_matrix((weights, self.upper.indices, self.upper.indptr), self.upper.shape)
        charges = _charges(places)
        sums: Floats = upper.T @ charges[self.some]
        sums[self.some] += upper @ charges
        return sums


def _pulled(places: Floats, sums: Floats) -> Floats:
    """Σ_j k (y_i − y_j), N×2, where sums are Σ_j k (1, y_j), N×3."""
    return places * sums[:, :1] - sums[:, 1:]


def all_pairs(places: Floats) -> tuple[Floats, np.float32]:
    """Σ_j w² (y_i − y_j) of N×2 places, and the sum of all w, where w = 1/(1 + |y_i − y_j|²)."""
    x, y = torch.from_numpy(places.T.copy())
    w = (x[:, None] - x).square_().add_((y[:, None] - y).square_()).add_(1).reciprocal_().fill_diagonal_(0)
    total = np.float32(w.sum())
    sums = (w.square_() @ torch.from_numpy(_charges(places))).numpy()
    return _pulled(places, sums), total


def through_grid(places: Floats) -> tuple[Floats, np.float32]:
    """The same in little more than linear time.

    Both are sums over j of a kernel: items are spread on a grid, the grid is convolved with the kernel, and items
    read their sums from it.
    """
    low = places.min(axis=0)
    span = float((places.max(axis=0) - low).max())
    spacing = SPACING * COARSER ** max(0, math.ceil(math.log(span / (SPACING * (MOST_NODES - 4)) + 1e-30, COARSER)))
    nodes = -(-(int(span / spacing) + 4) // ROUND) * ROUND
    spread = _spread((places - low) / np.float32(spacing), nodes)
    charges = torch.from_numpy((spread.T @ _charges(places)).T.reshape(3, nodes, nodes).copy())
    size = (2 * nodes, 2 * nodes)  # so that nothing comes round from the other side
    waves = torch.fft.rfft2(charges, s=size)
    once, squared = _kernels(spacing, nodes)
    found = torch.fft.irfft2(torch.cat([waves[:1] * once, waves * squared]), s=size)[:, :nodes, :nodes]
    sums = spread @ found.reshape(4, -1).T.contiguous().numpy()
    total = sums[:, 0].sum(dtype=np.float64) - len(places)  # less each item's w to itself
    return _pulled(places, sums[:, 1:]), np.float32(total)


def _charges(places: Floats) -> Floats:
    """N×3: one and the place, of which both forces are sums."""
    return np.concatenate([np.ones((len(places), 1), np.float32), places], axis=1)


def _spread(at: Floats, nodes: int) -> sparse.csr_matrix:
    """N×nodes²: what each node of the grid counts for an item at N×2, by cubic B-splines of four nodes a side."""
    corner = np.floor(at).astype(np.int32)
    f = at - corner
    g = 1 - f
    weights = np.stack([g**3, 4 - 6 * f**2 + 3 * f**3, 4 - 6 * g**2 + 3 * g**3, f**3], axis=2) / np.float32(6)
    node = corner[:, :, None] + np.arange(4, dtype=np.int32)
    values = weights[:, 0, :, None] * weights[:, 1, None, :]
    index = node[:, 0, :, None] * nodes + node[:, 1, None, :]
    ends = np.arange(0, index.size + 1, 16, dtype=np.int32)
    return sparse.csr_matrix((values.ravel(), index.ravel(), ends), shape=(len(at), nodes * nodes))


@lru_cache(maxsize=2)
def _kernels(spacing: float, nodes: int) -> tuple[Tensor, Tensor]:
    """The waves of w and w² on a grid, each divided by those of the two splines that it is read through.

    So the splines interpolate the kernel: sums between nodes are exact.
    """
    size = 2 * nodes
    steps = torch.fft.fftfreq(size, 1 / size) * spacing
    w = 1 / (1 + steps[:, None].square() + steps.square())
    spline = (2 + torch.cos(2 * math.pi * torch.arange(size) / size)) / 3
    twice = (spline[:, None] * spline[: nodes + 1]).square()
    return torch.fft.rfft2(w) / twice, torch.fft.rfft2(w.square()) / twice
