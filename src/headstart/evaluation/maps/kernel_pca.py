"""Kernel PCA with a Gaussian kernel: principal components of similarities that fade with the distance.

Schölkopf, Smola and Müller 1998, Nonlinear component analysis as a kernel eigenvalue problem.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws N×D features; the kernel is exp(-d²/v), v being their total variance (half the mean squared distance).

    scikit-learn's own width, the number of features, suits those of variance one alone.
    """
    from sklearn.decomposition import KernelPCA

    width = float(features.var(dim=0, correction=0).sum())
    model = KernelPCA(2, kernel="rbf", gamma=1 / width, eigen_solver="dense").fit(features.numpy())

    def place(new: Tensor) -> Tensor:
        return torch.from_numpy(model.transform(new.numpy())).float()

    return Fitted(place(features), place)
