"""Near-duplicates: pictures that show the same although their pixels differ, such as bursts and re-encoded copies.

Each picture gets a perceptual hash of 63 bits: which of its lowest frequencies lie above their median. Pairs whose
hashes differ in at most eight bits are found without comparing all pairs: of nine bands of seven bits, one is equal.
A pair counts where, in addition, the fine detail of both agrees once they are laid over each other.

Drawn glyphs look alike without being copies, so pictures without colour and of at most 32 pixels are not compared, nor
are pictures without detail.

Shapes: N items of C×H×W, P pairs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress, islice

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.data.arrays import Array
from headstart.data.colouring import LUMINANCE
from headstart.data.grouping import DisjointSets, components

SIDE = 32
"""Pixels a side of the grey thumbnails that hashes and details are taken from."""

LARGEST_GLYPH = 32
COLOURS_OF = 500
LEAST_COLOUR = 4.0
"""Levels that the channels of some of a set's items differ by on average, from which it counts as coloured."""

BITS, BANDS = 63, 9
MOST_APART = BANDS - 1
"""Bits that the hashes of a pair may differ in."""

ENOUGH = 16
"""Close hashes that an item is paired with in one band: links join a group as well as all its pairs, and are fewer."""

LEAST_DETAIL = 2.0
"""Levels of deviation in a thumbnail's detail below which there is nothing to compare."""

LEAST_AGREEMENT = 0.7
"""Correlation of two pictures' details, over their best shift."""

SHIFT = 2
"""Pixels of a thumbnail that one picture may be moved by against the other: a slight crop."""

CHUNK = 64
"""Items or pairs that one thread looks at together."""


def near_groups(items: Tensor, digests: Sequence[bytes]) -> tuple[tuple[int, ...], ...]:
    """Groups of places whose pictures, uint8 N×C×H×W, show the same, in order; each holds some that differ in pixels.

    Equal pictures (equal digests) are compared once, and come with the groups of those they equal.
    """
    if len(items) < 2 or _glyphs(items):
        return ()
    firsts: dict[bytes, int] = {}
    for place, digest in enumerate(digests):
        firsts.setdefault(digest, place)
    unique = torch.tensor(list(firsts.values()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda places: _thumbnails(items.index_select(0, places)), torch.split(unique, CHUNK))
        thumbnails = torch.cat(list(parts))
    details = _details(thumbnails)
    usable = torch.nonzero(details.flatten(1).std(dim=1) >= LEAST_DETAIL).flatten()
    if len(usable) < 2:
        return ()
    links = _links(details[usable], _close_pairs(_hashes(thumbnails[usable]).numpy()).tolist())
    near = unique[usable][torch.tensor(links, dtype=torch.int64).view(-1, 2)].tolist()
    places = {place for pair in near for place in pair}
    equal = [(firsts[digest], place) for place, digest in enumerate(digests) if firsts[digest] in places]
    return components([*near, *equal])


def _glyphs(items: Tensor) -> bool:
    """Whether a set is of small pictures without colour."""
    if max(items.shape[-2:]) > LARGEST_GLYPH:
        return False
    if items.shape[1] != len(LUMINANCE):
        return True
    some = items[:: max(1, len(items) // COLOURS_OF)].float()
    return float((some.amax(1) - some.amin(1)).mean()) < LEAST_COLOUR


def _thumbnails(items: Tensor) -> Tensor:
    """float n×32×32: the brightness of each picture."""
    channels = items.shape[1]
    weights = torch.tensor(LUMINANCE if channels == len(LUMINANCE) else [1 / channels] * channels)
    small = F.interpolate(items, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    return torch.einsum("nchw,c->nhw", small.float(), weights)


def _details(thumbnails: Tensor) -> Tensor:
    """float n×32×32: what a blurred copy lacks."""
    padded = F.pad(thumbnails[:, None], (2, 2, 2, 2), mode="replicate")
    return thumbnails - F.avg_pool2d(padded, 5, stride=1)[:, 0]


def _hashes(thumbnails: Tensor) -> Tensor:
    """int64 n: a bit for each of the 8×8 lowest frequencies but the mean, set where it lies above their median."""
    steps = torch.arange(SIDE, dtype=torch.float64)
    waves = torch.cos(math.pi / SIDE * (steps + 0.5) * steps[:8, None]).float()
    low = (waves @ thumbnails @ waves.T).flatten(1)[:, 1:]
    bits = (low > low.median(dim=1, keepdim=True).values).long()
    return (bits << torch.arange(BITS)).sum(dim=1)


def _close_pairs(hashes: Array) -> Array:
    """int64 P×2: the pairs of int64 hashes that differ in at most `MOST_APART` bits, each once.

    Items that share a band are sorted to lie side by side, and compared with the next, the next but one, and so on;
    those with `ENOUGH` partners in a band look no further there, so pairs may be missing among many that are alike.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    for band in range(BANDS):
        bits = [((hashes >> (BANDS * bit + band)) & 1) << bit for bit in range(BITS // BANDS)]
        shared = np.bitwise_or.reduce(bits)
        order = np.lexsort((hashes, shared))  # equal hashes side by side: they are met before there are enough
        found.extend(order[pair] for pair in _neighbours(shared[order], hashes[order]))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _neighbours(shared: Array, hashes: Array) -> Iterator[Array]:
    """Pairs of rows with equal `shared` (which is sorted) and hashes that hardly differ, by how far they lie apart."""
    here = np.arange(len(shared))
    partners = np.zeros(len(shared), dtype=np.int32)
    apart = 1
    while len(here):
        here = here[here + apart < len(shared)]
        here = here[shared[here] == shared[here + apart]]
        close = here[np.bitwise_count(hashes[here] ^ hashes[here + apart]) <= MOST_APART]
        if len(close):
            yield np.stack([close, close + apart], axis=1)
            partners[close] += 1
            here = here[partners[here] < ENOUGH]
        apart += 1


def _links(details: Tensor, pairs: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """The pairs whose details agree, without those whose ends earlier ones have joined already."""
    sets, links = DisjointSets(), []
    apart = (pair for pair in pairs if sets.root(pair[0]) != sets.root(pair[1]))
    while some := list(islice(apart, CHUNK)):
        found = list(compress(some, _agree(details, torch.tensor(some)).tolist()))
        for one, other in found:
            sets.join(one, other)
        links += found
    return links


def _agree(details: Tensor, pairs: Tensor) -> Tensor:
    """bool P: whether the details of both agree, one moved over the other by up to `SHIFT` pixels."""
    one, other = details[pairs.T]
    middle = _standard(one[:, SHIFT:-SHIFT, SHIFT:-SHIFT].flatten(1)[..., None])
    moved = _standard(F.unfold(other[:, None], SIDE - 2 * SHIFT))
    return (middle * moved).sum(dim=1).amax(dim=1) >= LEAST_AGREEMENT


def _standard(values: Tensor) -> Tensor:
    """n×D×M with mean 0 and length 1 along D."""
    return F.normalize(values - values.mean(dim=1, keepdim=True), dim=1)
