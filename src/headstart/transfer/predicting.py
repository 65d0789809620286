"""Classes for new items, from an encoder and the head that was fitted on its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from headstart.backbones import Encoder, is_weights_file, names_encoder
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.evaluation import FittedHead, classifier_head, features_of, has_classifier, load_head, tempered
from headstart.training import load_encoder
from headstart.training.encoders import is_run


@dataclass(frozen=True)
class Answers:
    """One answer an item."""

    labels: Tensor
    """int64 N: places in the classes."""
    probabilities: Tensor
    """float N: of the class that was chosen."""

    def least_sure(self, count: int, among: Tensor) -> Tensor:
        """int64: at most `count` of the items where `among` (bool N) holds, the least probable answers first."""
        places = torch.nonzero(among).flatten()
        return places[self.probabilities[places].argsort(stable=True)[:count]]


@dataclass(frozen=True)
class Predictor:
    """An encoder with its head."""

    encoder: Encoder
    head: FittedHead
    classes: tuple[str, ...]
    description: dict[str, Any]
    """The encoder.json."""
    temperature: float | None = None
    """Under which the head's probabilities mean what they say; None where none could be found."""

    def answer(self, data: Dataset, index: Tensor, *, device: str = "cpu") -> Answers:
        """The most probable class of the items at these places."""
        check_shape(self.encoder, data)
        made = features_of(self.encoder, data, index, device=device)
        found = tempered(self.head.predict(made), self.temperature).max(dim=1)
        return Answers(found.indices, found.values)


def load_predictor(run: Path | str) -> Predictor:
    """The winner of a comparison (`best/`), or a run that trained a classifier.

    Raises:
        InputError: There is no encoder, or nothing to turn its features into classes.
    """
    folder = Path(run)
    if _names_weights(run):
        raise InputError(
            f"{run} gives features: the head that it was trained with is left out when its weights are read.\n"
            f"Teach it your classes first: headstart finetune {run} DATA --train head."
        )
    if not (folder / "encoder.json").exists() and (folder / "best").is_dir():
        folder = folder / "best"
    encoder, description = load_encoder(folder)
    if has_classifier(folder):
        classes, temperature = tuple(description["data"]["classes"]), description.get("temperature")
        return Predictor(encoder, classifier_head(folder), classes, description, temperature)
    head, classes, temperature = load_head(folder)
    return Predictor(encoder, head, classes, description, temperature)


def _names_weights(run: Path | str) -> bool:
    """Whether weights of others are named, and not a folder that may hold a head."""
    name = str(run)
    plain = "/" not in name and not Path(run).is_dir() and names_encoder(name)
    return not is_run(run) and (plain or is_weights_file(name))


def check_shape(encoder: Encoder, data: Dataset) -> None:
    """Raises `InputError` where an encoder can't be shown items with as many channels as these have.

    Grey ones go into an encoder of colours, as three equal channels.
    """
    if (encoder.shape[0], data.shape[0]) != (3, 1) and encoder.shape[0] != data.shape[0]:
        kinds = {1: "grey", 3: "colour"}
        made, here = (kinds.get(count, f"{count}-channel") for count in (encoder.shape[0], data.shape[0]))
        raise InputError(
            f"The encoder was trained on {made} images and {data.name} has {here} ones: convert them first."
        )


def overlapping(description: dict[str, Any], data: Dataset, index: Tensor) -> Tensor:
    """bool n: which of the items at `index` the encoder learned from; all false where it learned from other pictures.

    Labels that have come since change nothing.
    """
    from headstart.training.places import unpack

    learned = description.get("data", {})
    if learned.get("pixel_digest") != data.pixel_digest or "learned_from" not in learned:
        return torch.zeros(len(index), dtype=torch.bool)
    return torch.isin(index, unpack(learned["learned_from"]))
