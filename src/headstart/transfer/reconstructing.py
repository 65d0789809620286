"""What a method that gives pictures back makes of a data set: errors of all items, and pictures of some.

Shapes: N items of C channels, H rows and W columns; K latent numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from headstart.contracts import Draw, Part
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.method import Method
from headstart.methods.reconstruction.bottleneck import Bottleneck
from headstart.methods.reconstruction.reconstructor import Reconstruction, Reconstructor
from headstart.training import load_method
from headstart.views import plain

CHUNK = 512
"""Items given back at once: a fixed number, since what is disturbed is drawn for all of them."""


@dataclass(frozen=True)
class Shown:
    """An item: as it is, what the network saw, what it gave back; C×H×W in 0…1."""

    place: int
    original: Tensor
    seen: Tensor
    given: Tensor
    error: float


@dataclass(frozen=True)
class Reconstructed:
    """All items' errors, and some items to look at."""

    errors: Tensor
    """float N."""
    groups: dict[str, list[Shown]]
    """By heading: the first, the best, typical and worst ones."""
    between: list[Tensor]
    """C×H×W each: what lies between the latent numbers of two items, the items' own given back at either end; none of
    methods without a narrow middle."""

    @property
    def error(self) -> float:
        """The mean."""
        return float(self.errors.double().mean())


def gives_back(method: str) -> bool:
    """Whether the method of this name gives pictures back."""
    return issubclass(find_method(method), Reconstructor)


def load_reconstructor(run: Path) -> Reconstructor:
    """The method of a run; raises `InputError` where it gives nothing back, or as `load_method`."""
    method: Method = load_method(run)
    if not isinstance(method, Reconstructor):
        raise InputError(
            f"{run} was trained with {type(method).__name__}, which gives no pictures back; those of the family "
            "reconstruction do: `headstart methods`."
        )
    return method


@torch.inference_mode()
def reconstruct_items(
    method: Reconstructor, data: Dataset, index: Tensor, *, items: int = 3, steps: int = 8, device: str
) -> Reconstructed:
    """Gives back the items at the places `index`, and picks `items` of each kind to look at.

    What a method hides or disturbs is drawn from a fixed seed, so every look shows the same. Between two items of
    different classes, where there are any, the latent numbers are walked in `steps` equal steps.
    """
    method.to(device)
    chunks = torch.split(index, CHUNK)
    # the last one is kept: few items are one chunk, which then is computed once
    given = lru_cache(maxsize=1)(lambda step: _given(method, data, chunks[step], step, device))
    every = torch.cat([given(step)[1].errors.cpu() for step in range(len(chunks))])
    rows = _rows(every, items)
    shown = _shown(given, index, set(torch.cat(list(rows.values())).tolist()))
    groups = {heading: [shown[row] for row in chosen.tolist()] for heading, chosen in rows.items()}
    return Reconstructed(every, groups, _between(method, data, index, steps, device))


def _given(
    method: Reconstructor, data: Dataset, places: Tensor, step: int, device: str
) -> tuple[Tensor, Reconstruction]:
    """The items at these places in 0…1, and what becomes of them."""
    images = plain(data.take(places), data.shape).to(device)
    draw = Draw(seed=0, step=step, part=Part.whole(len(places)), device=torch.device(device), purpose="reconstruct")
    return images, method.reconstruct(images, draw)


def _rows(every: Tensor, items: int) -> dict[str, Tensor]:
    """Which rows to show, by heading."""
    order = every.argsort(stable=True)
    count = min(items, len(every))
    middle = (len(every) - count) // 2
    return {
        "The first": torch.arange(count),
        "Best": order[:count],
        "Typical": order[middle : middle + count],
        "Worst": order.flip(0)[:count],
    }


def _shown(given: Callable[[int], tuple[Tensor, Reconstruction]], index: Tensor, rows: set[int]) -> dict[int, Shown]:
    """The items of these rows, by row, disturbed as they were when their errors were taken; each chunk is taken once.

    From the last on, which was `given` last.
    """
    shown = {}
    for step in sorted({row // CHUNK for row in rows}, reverse=True):
        images, made = given(step)
        for row in (row for row in rows if row // CHUNK == step):
            # copies, since a view would keep its chunk in memory
            original, seen, back, error = (part[row % CHUNK].to("cpu", copy=True) for part in (images, *made))
            shown[row] = Shown(int(index[row]), original, seen, back, float(error))
    return shown


def _between(method: Reconstructor, data: Dataset, index: Tensor, steps: int, device: str) -> list[Tensor]:
    """The walk from the first item to the first of another class."""
    if not isinstance(method, Bottleneck) or len(index) < 2 or not steps:
        return []
    labels = data.labels[index]
    others = torch.nonzero(labels != labels[0]).flatten()
    ends = index[[0, int(others[0]) if len(others) else 1]]
    first, last = method.encoder(plain(data.take(ends), data.shape).to(device))
    shares = torch.linspace(0, 1, steps, device=first.device)[:, None]
    return list(method.decode(torch.lerp(first[None], last[None], shares)).cpu())
