"""What labels have to hold before a classifier is learned from them."""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.data import Dataset
from headstart.errors import InputError
from headstart.terminal import listed


def require_learnable(data: Dataset, learned: Tensor, asked: Tensor) -> None:
    """Checks that the items at `learned` have labels of two classes or more, and of all that is asked about.

    `asked` are places in the classes: what items are labelled that the classifier is chosen or judged by.

    Raises `InputError` naming the set and the classes that are missing.
    """
    known = torch.unique(data.labels[learned])
    if len(known) < 2:
        raise InputError(
            f"{data.name} has labels of fewer than two classes to learn from: label more, or name --labels."
        )
    unknown = [data.classes[label] for label in torch.unique(asked).tolist() if label not in known]
    if unknown:
        raise InputError(
            f"{data.name}: nothing to learn from is labelled {listed(unknown)}, and some of what it is judged on is.\n"
            "Put some of each class into the training part, or take it out of the others."
        )
