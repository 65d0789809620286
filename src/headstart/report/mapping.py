"""Features in two dimensions, for a first look."""

from __future__ import annotations

import numpy as np
import torch

from headstart.evaluation import unit
from headstart.evaluation.maps import fit_map

SMALLEST = 20
"""Items below which neighbourhoods mean nothing and PCA is drawn."""


def two_dimensional_map(features: np.ndarray, seed: int) -> np.ndarray:
    """float T×2 of T×D features: t-SNE of their directions, PCA where there are few items."""
    rows = unit(torch.from_numpy(features).float())
    if float((rows - rows[:1]).abs().max()) < 1e-6:
        return np.zeros((len(rows), 2), dtype=np.float32)
    name = "pca" if len(rows) < SMALLEST else "tsne"
    return fit_map(name, rows, neighbours=SMALLEST // 2, seed=seed).places.numpy()
