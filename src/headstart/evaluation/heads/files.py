"""A fitted head on the disk, beside its encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from headstart import atomic
from headstart.errors import InputError
from headstart.evaluation.heads.head import FittedHead
from headstart.evaluation.heads.knn import FittedKNN
from headstart.evaluation.heads.linear import FittedLinear
from headstart.evaluation.heads.propagation import FittedPropagation

HEAD = "head.safetensors"
CLASSIFIER = "classifier.safetensors"

FITTED: dict[str, type[FittedHead]] = {
    "propagation": FittedPropagation,
    "linear": FittedLinear,
    "knn": FittedKNN,
}
"""By name: the class whose `from_state` rebuilds a stored head."""


class StoredHead(NamedTuple):
    """A head as it lies on the disk."""

    head: FittedHead
    classes: tuple[str, ...]
    temperature: float | None
    """Of its probabilities; None where it was kept without one."""


def save_head(folder: Path, fitted: FittedHead, classes: Sequence[str], temperature: float | None = None) -> None:
    """Writes head.safetensors: the head's state, with its name, classes and temperature in the header."""
    state = {name: values.contiguous() for name, values in fitted.state().items()}
    content = {"head": fitted.name, "classes": list(classes), "settings": dict(fitted.settings)}
    about = json.dumps({**content, "temperature": temperature})
    with atomic.aside(folder / HEAD) as draft:
        save_file(state, draft, {"about": about})


def load_head(folder: Path) -> StoredHead:
    """The head kept in a folder.

    Raises:
        InputError: There is none, or it can't be read.
    """
    path = folder / HEAD
    if not path.exists():
        raise InputError(
            f"{folder} has no head to predict with: name the best/ folder of a comparison, or teach it your classes "
            f"first: headstart finetune {folder} DATA --train head."
        )
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
        head = FITTED[about["head"]].from_state(load_file(path))
        temperature = about.get("temperature")
        return StoredHead(head, tuple(about["classes"]), None if temperature is None else float(temperature))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} can't be read: it is damaged, or of another version.") from error


def classifier_head(run: Path) -> FittedLinear:
    """The classifier that a supervised run trained, as a linear head on its encoder's features."""
    try:
        state = load_file(run / CLASSIFIER)
        return FittedLinear(state["weight"], state["bias"], None)
    except (OSError, SafetensorError, KeyError) as error:
        raise InputError(f"{run / CLASSIFIER} can't be read as a linear classifier.") from error


def has_classifier(run: Path) -> bool:
    """Whether a run trained a classifier of its own."""
    return (run / CLASSIFIER).exists()
