"""`inputs`: whether the items are of another form.

No test: channels and sizes are facts. Photographs are given a working size when they are read, so theirs are looked up
in the files; sizes that vary are another form only where the two ranges have nothing in common.
"""

from __future__ import annotations

from typing import Any

from PIL import Image

from headstart.data import Dataset
from headstart.transfer.diagnosing.shift import SCENARIO, Shift

CHANNELS = {1: "grey", 3: "colour"}


def input_forms(source: Dataset, target: Dataset) -> Shift:
    """The verdict."""
    sizes = (_sides(source), _sides(target))
    evidence: dict[str, Any] = {
        name: {"channels": data.shape[0], "shortest_side": list(side)}
        for name, data, side in zip(("source", "target"), (source, target), sizes, strict=True)
    }
    differing = []
    if source.shape[0] != target.shape[0]:
        differing.append(f"the source is {_channels(source)}, the target {_channels(target)}")
    (least, most), (smallest, largest) = sizes
    if largest < least or most < smallest:
        differing.append(f"sides of {_range(sizes[0])} pixels against {_range(sizes[1])}")
    if differing:
        why = f"The inputs are of another form: {'; '.join(differing)}. The rest was tested on the source's form."
    else:
        why = "The inputs are of the same form."
    return Shift("inputs", SCENARIO["inputs"], bool(differing), why, evidence)


def _sides(data: Dataset) -> tuple[int, int]:
    """The smallest and largest short side, in pixels."""
    if data.files is None:
        return min(data.shape[1:]), min(data.shape[1:])
    sides = []
    for file in data.files:
        with file.open() as stream, Image.open(stream) as image:
            sides.append(min(image.size))
    return min(sides), max(sides)


def _channels(data: Dataset) -> str:
    return CHANNELS.get(data.shape[0], f"of {data.shape[0]} channels")


def _range(side: tuple[int, int]) -> str:
    return str(side[0]) if side[0] == side[1] else f"{side[0]} to {side[1]}"
