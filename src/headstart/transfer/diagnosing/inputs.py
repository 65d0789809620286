"""`inputs`: whether the items are of another form, and bringing the target's to the source's.

No test: channels and sizes are facts. Photographs are given a working size when they are read, so theirs are looked up
in the files; sizes that vary are another form only where the two ranges have nothing in common.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from headstart.data import Dataset
from headstart.errors import InputError
from headstart.transfer.diagnosing.describing import LUMINANCE
from headstart.transfer.diagnosing.shift import SCENARIO, Shift

CHANNELS = {1: "grey", 3: "colour"}
CHUNK = 1024


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


def in_form_of(source: Dataset, target: Dataset) -> Dataset:
    """The target with the source's channels and size; raises `InputError` where channels can't be brought there."""
    if source.shape == target.shape:
        return target
    height, width = source.shape[1:]
    if target.files is not None and height == width:
        target = target.at(height)
    items = [_sized(_coloured(part, source, target), (height, width)) for part in torch.split(target.items, CHUNK)]
    return replace(target, items=torch.cat(items))


def _coloured(items: Tensor, source: Dataset, target: Dataset) -> Tensor:
    """uint8 with the source's channels: grey repeated, or colours weighed by their luminance."""
    wanted, given = source.shape[0], target.shape[0]
    if wanted == given:
        return items
    if given == 1:
        return items.expand(-1, wanted, -1, -1)
    if wanted != 1 or given != 3:
        raise InputError(
            f"{target.name} has {given} channels and {source.name} {wanted}: they can't be compared; convert one first."
        )
    grey = torch.einsum("nchw,c->nhw", items.float(), torch.tensor(LUMINANCE))
    return grey.round_().clamp_(0, 255).byte()[:, None]


def _sized(items: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 n×C×H×W at another size: means of whole blocks where they fit, else interpolated without aliasing."""
    if tuple(items.shape[-2:]) == size:
        return items
    if all(have % want == 0 for have, want in zip(items.shape[-2:], size, strict=True)):
        made = F.adaptive_avg_pool2d(items.float(), size)
    else:
        made = F.interpolate(items.float(), size=size, mode="bilinear", antialias=True, align_corners=False)
    return made.round_().clamp_(0, 255).byte()


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
