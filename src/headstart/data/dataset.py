"""A set of pictures in memory: what every other room learns from, judges on and shows.

Shapes: N items of C channels, H rows and W columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from headstart.contracts import Facts
from headstart.data.colouring import with_channels
from headstart.data.decoding import decode_all
from headstart.data.files import ImageFile
from headstart.data.pictures import UnreadableError, decode_whole, short_side
from headstart.data.sizing import Resampling
from headstart.errors import InputError, RunError

LEAST_DEVIATION = 1 / 255
"""One grey level: dividing by less would blow up a channel that holds nothing but rounding."""

CHUNK = 1024
"""Items widened at once while summing."""


@dataclass(frozen=True)
class Skipped:
    """A file that could not be read."""

    path: str
    """Absolute and printable: bytes of the name that are not UTF-8 are shown as `\\xe9`."""
    reason: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures as one uint8 tensor N×C×H×W, with what is known about each."""

    name: str
    items: Tensor
    labels: Tensor
    """int64 N: the place in `classes`; -1 where an item has no label."""
    classes: tuple[str, ...]
    split: tuple[str, ...]
    """For each item the part it belongs to: "train", "val" or "test"."""
    ids: tuple[str, ...]
    """Relative paths with forward slashes for files, "0", "1", … for arrays."""
    files: tuple[ImageFile, ...] | None = None
    """Where the pictures lie, for those that were read from files."""
    fingerprint: str = ""
    """32 hexadecimal digits that depend on the pixels, labels, classes and split."""
    pixel_digest: str = ""
    """32 hexadecimal digits that depend on the pixels and their order alone."""
    notes: tuple[str, ...] = ()
    """One plain sentence each: what was scaled, converted or made up on the way in."""
    skipped: tuple[Skipped, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    """Groups of ids whose pixels are equal."""
    near_duplicates: tuple[tuple[str, ...], ...] = ()
    """Groups of ids whose pictures show the same, such as bursts and re-encoded copies; not all pixels are equal."""
    kin: tuple[int, ...] = ()
    """For each item the first place of those it has to stay together with; empty where nobody has asked."""
    resampling: Resampling = "bilinear"
    """How files were brought to this size."""
    cache: bool = True
    """Whether decoded files may be kept in the user's cache."""
    tested_on_val: bool = False
    """Whether the test part came as a validation part, no test part beside it."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def paths(self) -> tuple[Path, ...] | None:
        """The file of each item, or the archive that holds it, for those that were read from files."""
        return None if self.files is None else tuple(file.path for file in self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an item."""
        channels, height, width = self.items.shape[1:]
        return channels, height, width

    def indices(self, part: str) -> Tensor:
        """int64 places of the items of a part, in order.

        "train" is everything that may be learned from: all but the test part. Then "val", "test" and "all".
        """
        if part not in ("train", "val", "test", "all"):
            raise InputError(f"--split {part} is not known: choose train, val, test, all.")
        entries = np.asarray(self.split)
        chosen = {"all": entries == entries, "train": entries != "test"}.get(part, entries == part)
        return torch.from_numpy(np.flatnonzero(chosen))

    def part(self, name: str) -> Tensor:
        """`indices` of a part that must not be empty; raises `InputError` where it is, saying what there is."""
        index = self.indices(name)
        if len(index):
            return index
        there = [part for part in ("train", "val", "test") if part in self.split]
        why = " (labels are too few for one)" if name == "test" and self.cross_validated else ""
        raise InputError(
            f"--split {name}: {self.name} has no {name} part{why}, only {', '.join(there)}. Leave it out to take all."
        )

    @property
    def cross_validated(self) -> bool:
        """Whether judging is cross-validation over the labelled items: some have a label, but none of a test part."""
        labelled = self.labels >= 0
        return bool(labelled.any()) and not bool(labelled[self.indices("test")].any())

    def groups(self) -> Tensor:
        """int64 N: equal numbers for items that have to stay together: duplicates, near ones too, and `--group`."""
        return torch.tensor(self.kin) if self.kin else torch.arange(len(self))

    def take(self, index: Tensor) -> Tensor:
        """uint8 n×C×H×W: the items at these places."""
        return self.items.index_select(0, index)  # many times faster than indexing on a CPU

    def original(self, place: int) -> Tensor:
        """uint8 C×H×W: an item at the size of its file, read anew; one that came in an array as it is.

        Raises `RunError` where the file isn't any more what it was.
        """
        if self.files is None:
            return self.items[place]
        try:
            return torch.from_numpy(decode_whole(self.files[place], self.shape[0]).copy())
        except UnreadableError as error:
            raise _changed(self.files[place], str(error)) from error

    def at(self, side: int, resampling: Resampling = "bilinear") -> Dataset:
        """The same items in the same order with `side` pixels a side, from their files or from the cache.

        Those that came as arrays stay as they are. Raises `RunError` where a file isn't any more what it was.
        """
        if self.files is None or (*self.shape[1:], self.resampling) == (side, side, resampling):
            return self
        decoded = decode_all(self.files, side, resampling=resampling, keep=self.cache)
        if decoded.failures:
            place, reason = next(iter(decoded.failures.items()))
            raise _changed(self.files[place], reason)
        # Some may all be grey in a set that isn't, and a coloured set may have been brought to grey.
        return replace(self, items=with_channels(decoded.items, self.shape[0]), resampling=resampling)

    @cached_property
    def short_side(self) -> int:
        """Pixels of the short side that pictures have before they are brought to one size: the median of some."""
        native = None if self.files is None else short_side(self.files)
        return min(self.shape[1:]) if native is None else native

    def counts(self, index: Tensor) -> tuple[int, ...]:
        """How many of these items carry the label of each class."""
        labels = self.labels[index]
        return tuple(torch.bincount(labels[labels >= 0], minlength=len(self.classes)).tolist())

    def label_names(self, index: Tensor) -> tuple[str | None, ...]:
        """The class name of each of these items, None where there is no label."""
        return tuple(self.classes[label] if label >= 0 else None for label in self.labels[index].tolist())

    def facts(self, views: str = "simclr", index: Tensor | None = None) -> Facts:
        """What a method's constructor may ask of the items that are learned from: those at int64 `index`, by default
        all but the test part.
        """
        learned = self.indices("train") if index is None else index
        return Facts(
            items=len(learned),
            shape=self.shape,
            classes=self.classes,
            counts=self.counts(learned),
            views=views,
            grey=self.grey,
            original=self.original,
        )

    @cached_property
    def grey(self) -> bool:
        """Whether no picture has a colour: one channel, or all equal; the first that has one ends the search."""
        parts = (self.items[start : start + CHUNK] for start in range(0, len(self), CHUNK))
        return self.shape[0] == 1 or all(torch.equal(part[:, :1].expand_as(part), part) for part in parts)

    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel over the train part, in 0…1.

        Summed in integers, so the same pixels give the same bits on every machine. Deviations are at least 1/255.
        """
        train = self.indices("train")
        channels, height, width = self.shape
        total = np.zeros(channels, dtype=np.int64)
        squares = np.zeros(channels, dtype=np.int64)
        for start in range(0, len(train), CHUNK):
            levels = self.take(train[start : start + CHUNK]).numpy().astype(np.uint16)
            total += levels.sum(axis=(0, 2, 3), dtype=np.int64)
            squares += np.square(levels, out=levels).sum(axis=(0, 2, 3), dtype=np.int64)
        count = len(train) * height * width
        mean = [one / count / 255 for one in total.tolist()]
        spread = zip(total.tolist(), squares.tolist(), strict=True)
        deviation = [math.sqrt(count * square - one * one) / count / 255 for one, square in spread]
        return tuple(mean), tuple(max(one, LEAST_DEVIATION) for one in deviation)

    def leaks(self) -> tuple[tuple[str, ...], ...]:
        """The groups of duplicates that have items both in the test part and outside it."""
        return self._across(self.duplicates)

    def near_leaks(self) -> tuple[tuple[str, ...], ...]:
        """The groups of near-duplicates that have items both in the test part and outside it."""
        return self._across(self.near_duplicates)

    def _across(self, groups: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        part = dict(zip(self.ids, self.split, strict=True))
        return tuple(group for group in groups if len({part[one] == "test" for one in group}) == 2)

    def require_classes(self) -> None:
        """Raises `InputError` where the labels leave nothing to tell apart: fewer than two classes."""
        if len(self.classes) >= 2:
            return
        held = f"only one class ({self.classes[0]})" if self.classes else "no labels"
        raise InputError(
            f"{self.name}: it has {held}, and telling classes apart needs two or more.\n"
            "Put the images into one folder a class, or give the labels with --labels FILE."
        )


def _changed(file: ImageFile, reason: str) -> RunError:
    return RunError(f"{file.place} changed while it was in use: {reason}. Run the command again.")
