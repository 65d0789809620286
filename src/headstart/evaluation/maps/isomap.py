"""Isomap: distances along the neighbour graph, kept as well as two dimensions can.

Tenenbaum, de Silva and Langford 2000, A global geometric framework for nonlinear dimensionality reduction.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features over the graph of `neighbours`, whose parts are joined where they are nearest."""
    from sklearn.manifold import Isomap

    model = Isomap(n_neighbors=neighbours, n_components=2, eigen_solver="dense")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of connected components")
        warnings.filterwarnings("ignore", message="Changing the sparsity structure")
        places = model.fit_transform(features.numpy())

    def place(new: Tensor) -> Tensor:
        return torch.from_numpy(model.transform(new.numpy())).float()

    return Fitted(torch.from_numpy(places).float(), place)
