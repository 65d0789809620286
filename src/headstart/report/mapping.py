"""Features in two dimensions, for a first look."""

from __future__ import annotations

import numpy as np

SMALLEST = 20
"""Items below which neighbourhoods mean nothing and PCA is drawn."""


def two_dimensional_map(features: np.ndarray, seed: int) -> np.ndarray:
    """float T×2 of T×D features: t-SNE on cosine distances from a PCA start, PCA where there are few items."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    rows = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    size = min(50, *rows.shape)
    if size < 2 or float(rows.std()) < 1e-9:
        return np.zeros((len(rows), 2), dtype=np.float32)
    reduced = PCA(size, random_state=seed, svd_solver="full").fit_transform(rows)
    if len(rows) < SMALLEST:
        return np.asarray(reduced[:, :2])
    maker = TSNE(2, perplexity=min(30.0, len(rows) / 4), init="pca", random_state=seed, max_iter=500)
    return np.asarray(maker.fit_transform(reduced))
