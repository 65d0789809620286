"""UMAP: a neighbour graph of fuzzy edges, laid out by attraction along them and repulsion from random items.

McInnes, Healy and Melville 2018, UMAP: uniform manifold approximation and projection for dimension reduction.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features over the graph of `neighbours`; the layout of a known map is not computed again."""
    from umap import UMAP

    settings: dict[str, Any] = {} if known is None else {"init": known.numpy(), "n_epochs": 0}
    model = UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spectral starts that fall back to random ones, and of few items
        places = model.fit_transform(features.numpy())
    if known is not None:
        model.embedding_, model.n_epochs = known.numpy(), None
        places = known.numpy()

    def place(new: Tensor) -> Tensor:
        return torch.from_numpy(model.transform(new.numpy())).float()

    return Fitted(torch.from_numpy(places).float(), place)
