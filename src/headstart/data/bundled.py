"""Data that comes with the package or its dependencies, so that it is there without a network."""

from __future__ import annotations

from headstart.data import labels
from headstart.data.arrays import Scale
from headstart.data.raw import Raw, numbered


def digits() -> Raw:
    """1,797 handwritten digits of 8×8 pixels and 17 grey levels (Alpaydin and Kaynak 1998, from scikit-learn)."""
    import torch
    from sklearn.datasets import load_digits

    bunch = load_digits()
    numbers, classes = labels.from_values(bunch.target, "digits")
    return Raw(
        name="digits",
        items=torch.from_numpy(Scale(0.0, 16.0)(bunch.images)[:, None]),
        labels=numbers,
        classes=classes,
        ids=numbered(len(bunch.images)),
        notes=("The pixels of digits have 17 levels; they were scaled to 0…255.",),
    )
