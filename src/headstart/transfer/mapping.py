"""Items drawn in two dimensions, or placed in maps that are there, each map with its time and how faithful it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from headstart.errors import InputError
from headstart.evaluation.maps import (
    Drawn,
    Faithfulness,
    asked_about,
    draw_map,
    faithfulness,
    fit_map,
    landmarks_of,
)
from headstart.transfer.embeddings import Embeddings
from headstart.transfer.mapped import Mapped

LEAST, MOST = 1e-12, 1e12
"""How far features of some items have to differ, and how large they may be: their squares, and sums of these over all
items, are then float32 numbers with all digits."""


@dataclass(frozen=True)
class Drawing:
    """Maps with all that is told of them."""

    mapped: Mapped
    """The items that were drawn, or placed, as they are kept."""
    shown: Embeddings
    """These and, where they were placed among others, the others before them."""
    drawn: dict[str, Drawn]
    """By the map's name: places of all that are shown."""
    faithful: dict[str, Faithfulness]

    @property
    def among(self) -> int:
        """How many others they were placed among."""
        return len(self.shown) - len(self.mapped.items)


def check_drawable(items: Embeddings, neighbours: int) -> None:
    """Raises `InputError` where neighbourhoods mean nothing, or features are too large or too near for distances."""
    count = len(items)
    if count <= 2 * neighbours:
        fewer = (count - 1) // 2
        hint = f"take --neighbors {fewer} or fewer." if fewer >= 2 else "so few can't be drawn."
        raise InputError(
            f"--neighbors {neighbours} needs more than {2 * neighbours} items, and {items.name} has {count}: {hint}"
        )
    _check_magnitude(items)
    spread = float((items.features.amax(dim=0) - items.features.amin(dim=0)).max())
    if not spread:
        raise InputError(f"{items.name}: all {count} embeddings are equal, so there is nothing to draw.")
    if spread < LEAST:
        raise InputError(
            f"{items.name}: the embeddings differ by {spread:.0e} at most, and distances below {LEAST:.0e} lose their "
            "digits: multiply them by a number."
        )


def draw_items(items: Embeddings, names: Sequence[str], *, neighbours: int, seed: int) -> Drawing:
    """New maps of all items."""
    asked = asked_about(len(items), seed)
    drawn, faithful = {}, {}
    for name in names:
        drawn[name] = draw_map(name, items.features, neighbours=neighbours, seed=seed)
        faithful[name] = faithfulness(items.features, drawn[name].places, neighbours, asked)
    mapped = Mapped(items, {name: one.places for name, one in drawn.items()}, neighbours, seed)
    return Drawing(mapped, items, drawn, faithful)


def check_placeable(items: Embeddings, there: Mapped, into: str) -> None:
    """Raises `InputError` where items have other features than those in the maps of the folder `into`."""
    wide, known = items.features.shape[1], there.items.features.shape[1]
    if wide != known:
        raise InputError(
            f"{items.name} has {wide} features an item and the maps in {into} are of {known}: "
            "embed both with the same encoder."
        )
    _check_magnitude(items)


def _check_magnitude(items: Embeddings) -> None:
    greatest = float(items.features.abs().max())
    if greatest > MOST:
        raise InputError(
            f"{items.name}: the embeddings reach {greatest:.0e}, and distances beyond {MOST:.0e} overflow: divide them "
            "by a number."
        )


def place_items(items: Embeddings, there: Mapped, names: Sequence[str], into: str) -> Drawing:
    """New items in the maps of the folder `into`; how faithful these are is asked about the new items alone."""
    old = there.items
    shown = old.followed_by(items)
    asked = torch.arange(len(old), len(shown))
    drawn, faithful = {}, {}
    for name in names:
        began, known = time.perf_counter(), there.places[name]
        fitted = fit_map(name, old.features, neighbours=there.neighbours, seed=there.seed, known=known)
        places = torch.cat([known, fitted.place(items.features)])
        drawn[name] = Drawn(places, time.perf_counter() - began, landmarks_of(name, len(old)))
        faithful[name] = faithfulness(shown.features, places, there.neighbours, asked)
    kept = {name: one.places[len(old) :] for name, one in drawn.items()}
    return Drawing(Mapped(items, kept, there.neighbours, there.seed, into), shown, drawn, faithful)
