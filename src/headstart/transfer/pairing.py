"""A source and a target made ready for each other: one size, one number of channels, one order of classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.data import Dataset, fitted, with_channels
from headstart.errors import InputError
from headstart.terminal import listed
from headstart.transfer.learnable import require_learnable

CHUNK = 256


@dataclass(frozen=True)
class Pair:
    """Two domains with items of one shape."""

    source: Dataset
    target: Dataset
    """With the source's shape; its labels, if it has any, are places in the source's classes."""
    notes: tuple[str, ...]
    """One plain sentence each: what was done to the target."""

    @property
    def learned(self) -> Tensor:
        """int64 places of the source's items to learn from: those of the training part that have a label."""
        return _with_labels(self.source, self.source.indices("train"))

    @property
    def scored(self) -> Tensor:
        """int64 places of the target's items that the final score is made on: those of the test part with a label.

        Where there is no test part, all with a label: they are adapted to, without it.
        """
        part = "test" if "test" in self.target.split else "all"
        return _with_labels(self.target, self.target.indices(part))

    @property
    def tested(self) -> Tensor:
        """int64 places of the source's test items that have a label; none where there is no test part."""
        return _with_labels(self.source, self.source.indices("test"))

    def hidden(self) -> Dataset:
        """The target as a method may see it: the source's classes, and no labels."""
        unlabelled = torch.full_like(self.target.labels, -1)
        return replace(self.target, labels=unlabelled, classes=self.source.classes)


def pair(source: Dataset, target: Dataset) -> Pair:
    """Brings the target to the source's shape and classes.

    Raises:
        InputError: The source has no labels to learn or lacks some in its training part, the target has classes of its
            own, or channels can't be brought to each other.
    """
    source.require_classes()
    placed, notes = shaped_like(target, source.shape)
    labelled = _labelled(placed, source)
    parts = labelled.split
    if not bool((labelled.labels >= 0).any()):
        parts = ("train",) * len(parts)
        notes.append(f"{target.name} has no labels: all its {len(parts):,} items are adapted to, and none is scored.")
    elif "test" in parts:
        notes.append(f"The labels of {target.name} are used for the final score on its test part only.")
    else:
        count = int((labelled.labels >= 0).sum())
        notes.append(
            f"{target.name} has no test part: it is scored on all its {count:,} labelled items, which are adapted to "
            "without their labels."
        )
    made = Pair(source, replace(labelled, split=parts), tuple(notes))
    require_learnable(source, made.learned, torch.cat([source.labels[made.tested], labelled.labels[made.scored]]))
    notes += _unscored(made)
    unlabelled = len(source.indices("train")) - len(made.learned)
    if unlabelled:
        notes.append(f"{unlabelled} training items of {source.name} have no label and are left out.")
    return replace(made, notes=tuple(notes))


def _unscored(made: Pair) -> list[str]:
    """A sentence on the classes that an accuracy on the target is silent of; empty where there are none."""
    found = set(made.target.labels[made.scored].tolist())
    missing = [name for label, name in enumerate(made.source.classes) if label not in found]
    if not found or not missing:
        return []
    return [f"Of the items of {made.target.name} to score by none is labelled {listed(missing)}."]


def _with_labels(data: Dataset, index: Tensor) -> Tensor:
    return index[data.labels[index] >= 0]


def shaped_like(data: Dataset, shape: tuple[int, int, int]) -> tuple[Dataset, list[str]]:
    """The set at another size and with other channels, and what there is to say about it.

    Raises `InputError` where channels can't be brought there.
    """
    before, (channels, height, width) = data.shape, shape
    if before == shape:
        return data, []
    if before[1:] != shape[1:]:
        sized = data.at(height) if height == width else data
        data = replace(sized, items=_sized(sized.items, height, width))
    items = _with_channels(data, channels)
    kinds = {1: "grey", 3: "colour"}
    said = " ".join(filter(None, [f"{height}×{width} pixels", kinds.get(channels) if channels != before[0] else None]))
    return replace(data, items=items), [f"{data.name} is brought to the source's {said} (--size sets another size)."]


def _sized(items: Tensor, height: int, width: int) -> Tensor:
    """uint8 N×C×height×width: means of whole blocks where both sides are as many times larger, else as `fitted`.

    What was enlarged by repeating pixels is given back exactly, and is not taken for other pictures.
    """
    times = items.shape[-1] // width
    if times < 2 or tuple(items.shape[-2:]) != (times * height, times * width):
        return fitted(items, (height, width))
    return torch.cat([F.avg_pool2d(part.float(), times).round_().byte() for part in torch.split(items, CHUNK)])


def _with_channels(data: Dataset, channels: int) -> Tensor:
    """uint8 N×channels×H×W."""
    try:
        return with_channels(data.items, channels).contiguous()
    except ValueError as error:
        raise InputError(
            f"{data.name} has {data.shape[0]} channels and the source {channels}: bring them to the same number."
        ) from error


def _labelled(target: Dataset, source: Dataset) -> Dataset:
    """The target with labels that are places in the source's classes.

    Its labels may be few and miss some of these; raises `InputError` where it has classes of its own.
    """
    if not target.classes:
        return replace(target, classes=source.classes)
    only = [sorted(set(a.classes) - set(b.classes)) for a, b in ((source, target), (target, source))]
    if only[1]:
        sides = [
            f"{', '.join(names[:3])} only in {data.name}"
            for names, data in zip(only, (source, target), strict=True)
            if names
        ]
        raise InputError(
            f"The classes differ: {'; '.join(sides)}. Adapting carries labels over, so the target has no others:\n"
            "make them alike, or learn the target's own from a few labels (headstart compare)."
        )
    places = torch.tensor([source.classes.index(name) for name in target.classes])
    labels = torch.where(target.labels >= 0, places[target.labels.clamp_min(0)], target.labels)
    return replace(target, labels=labels, classes=source.classes)
