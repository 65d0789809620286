"""The ways of drawing a map: what they are called, what each is fitted on, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import cast

import numpy as np
import torch
from torch import Tensor

from headstart.errors import InputError
from headstart.evaluation.maps.fitted import Fitted, Map
from headstart.randomness import permutation

LANDMARKS = 2_000
"""Points that the slow ways are fitted on where there are more; the others are placed among them."""

TOGETHER = 8_192
"""Points placed at a time."""


@dataclass(frozen=True)
class MapMethod:
    """One way of drawing a map."""

    title: str
    module: str
    on_landmarks: bool
    """Whether it is fitted on `LANDMARKS` of more points, its time or memory growing with their square or cube."""
    measured: Sequence[tuple[int, float]]
    """(points, seconds) of Fashion-MNIST's 784 pixels on two cores, the import of its library included."""
    package: str | None = None
    """What has to be installed besides, as it is imported."""

    def is_installed(self) -> bool:
        """Whether it can be drawn here."""
        return self.package is None or find_spec(self.package) is not None


MAPS = {
    "pca": MapMethod("PCA", "pca", False, ((500, 0.6), (10_000, 0.6), (70_000, 3.0))),
    "kernel_pca": MapMethod("Kernel PCA", "kernel_pca", True, ((500, 0.6), (2_000, 0.8), (10_000, 1.5))),
    "lle": MapMethod("LLE", "lle", True, ((500, 0.7), (2_000, 0.8), (10_000, 2.1))),
    "isomap": MapMethod("Isomap", "isomap", True, ((500, 0.7), (2_000, 1.3), (10_000, 2.2))),
    "tsne": MapMethod("t-SNE", "tsne", False, ((500, 1.0), (2_000, 2.9), (10_000, 10.0), (70_000, 80.0))),
    "umap": MapMethod("UMAP", "umap", False, ((500, 14.0), (10_000, 47.0)), package="umap"),
}
"""By name, in the order they are shown."""

FAST = ("pca", "tsne")
"""What is drawn of more than `LANDMARKS` points unless others are named: t-SNE keeps neighbourhoods best, and was the
fastest of those that keep them at all."""


@dataclass(frozen=True)
class Drawn:
    """A map with what it took."""

    places: Tensor
    """float32 N×2."""
    seconds: float
    landmarks: int | None
    """Points it was fitted on, where these are not all."""


def usual_maps(count: int) -> list[str]:
    """The names of the maps that are drawn of so many points unless others are asked for; those not installed too."""
    return list(MAPS) if count <= LANDMARKS else list(FAST)


def expected_seconds(name: str, count: int) -> float:
    """What a map of so many points should take, between and beyond the measured figures by their power law."""
    points, seconds = np.log(np.array(MAPS[name].measured)).T
    if np.log(count) <= points[-1]:
        return float(np.exp(np.interp(np.log(count), points, seconds)))
    slope = (seconds[-1] - seconds[-2]) / (points[-1] - points[-2])
    return float(np.exp(seconds[-1] + max(slope, 1.0) * (np.log(count) - points[-1])))


def landmarks_of(name: str, count: int) -> int | None:
    """How many of so many points a map is fitted on, None where it is all."""
    return LANDMARKS if MAPS[name].on_landmarks and count > LANDMARKS else None


def draw_map(name: str, features: Tensor, *, neighbours: int, seed: int) -> Drawn:
    """Draws N×D features and takes the time; for the rest like `fit_map`."""
    began = time.perf_counter()
    places = fit_map(name, features, neighbours=neighbours, seed=seed).places
    return Drawn(places, time.perf_counter() - began, landmarks_of(name, len(features)))


def fit_map(name: str, features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features, or takes up the map again whose N×2 places are `known`.

    Raises `InputError` where its library is not installed.
    """
    method = MAPS[name]
    if not method.is_installed():
        raise InputError(f"{method.title} needs a package that is not installed: pip install 'headstart[maps]'")
    module = cast("Map", import_module(f"headstart.evaluation.maps.{method.module}"))
    if landmarks_of(name, len(features)) is None:
        fitted = module.fit(features, neighbours=neighbours, seed=seed, known=known)
        return Fitted(fitted.places, partial(_placed, fitted))
    rows = permutation(seed, "landmarks", len(features))[:LANDMARKS].sort().values
    fitted = module.fit(features[rows], neighbours=neighbours, seed=seed, known=None if known is None else known[rows])
    places = _placed(fitted, features) if known is None else known.clone()
    places[rows] = fitted.places
    return Fitted(places, partial(_placed, fitted))


def _placed(fitted: Fitted, new: Tensor) -> Tensor:
    """T×2 places of T×D features, some at a time."""
    return torch.cat([fitted.place(part) for part in torch.split(new, TOGETHER)])
