"""Locally linear embedding: each item is the same mixture of its neighbours in the map as it is in the features.

Roweis and Saul 2000, Nonlinear dimensionality reduction by locally linear embedding.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features from mixtures of `neighbours`."""
    from sklearn.manifold import LocallyLinearEmbedding

    model = LocallyLinearEmbedding(n_neighbors=neighbours, n_components=2, eigen_solver="dense")
    places = model.fit_transform(_wide(features))

    def place(new: Tensor) -> Tensor:
        return torch.from_numpy(model.transform(_wide(new))).float()

    return Fitted(torch.from_numpy(places).float(), place)


def _wide(features: Tensor) -> np.ndarray:
    """float64, for the smallest eigenvalues need the digits, of two features at least, which scikit-learn asks for."""
    return F.pad(features, (0, max(0, 2 - features.shape[1]))).double().numpy()
