"""Locally linear embedding: each item is the same mixture of its neighbours in the map as it is in the features.

Roweis and Saul 2000, Nonlinear dimensionality reduction by locally linear embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features from mixtures of `neighbours`."""
    from sklearn.manifold import LocallyLinearEmbedding

    model = LocallyLinearEmbedding(n_neighbors=neighbours, n_components=2, eigen_solver="dense")
    places = model.fit_transform(features.double().numpy())  # the smallest eigenvalues need the digits

    def place(new: Tensor) -> Tensor:
        return torch.from_numpy(model.transform(new.double().numpy())).float()

    return Fitted(torch.from_numpy(places).float(), place)
