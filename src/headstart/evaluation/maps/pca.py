"""PCA: the plane of the largest variance. Shapes: N items of D features."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.evaluation.maps.fitted import Fitted


def fit(features: Tensor, *, neighbours: int, seed: int, known: Tensor | None = None) -> Fitted:
    """Draws the first two components; one dimension gets a second one of zeros. Places depend on the features alone."""
    components = principal_components(features, 2)

    def place(new: Tensor) -> Tensor:
        found = torch.from_numpy(components.transform(new.numpy())).float()
        return F.pad(found, (0, 2 - found.shape[1]))

    return Fitted(place(features), place)


def principal_components(features: Tensor, most: int) -> Any:
    """scikit-learn's PCA of N×D features with at most `most` components."""
    from sklearn.decomposition import PCA

    count, width = features.shape
    solver = "covariance_eigh" if count > width else "full"
    return PCA(min(most, count, width), svd_solver=solver).fit(features.numpy())
