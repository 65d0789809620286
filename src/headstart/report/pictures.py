"""Items, views of them, what was given back for them, and filters, as pictures that a page can show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.backbones import Encoder, first_filters
from headstart.contracts import Draw, Part
from headstart.data import Dataset
from headstart.methods.reconstruction.reconstructor import Reconstructor
from headstart.report.content import Filters, GivenBack, Reconstructions, ShownViews
from headstart.transfer import Reconstructed, Shown
from headstart.views import view_set

SHOWN_ITEMS = 8
DRAWN_TWICE = 2

MOST_FILTERS, FEWEST_FILTERS = 64, 8
FILTER_NUMBERS = 2**16
"""Weights that are drawn at most: filters of the size of a picture would fill the page's bytes."""

FILTER_SIDE = 32
"""Rows and columns to which larger filters are averaged down."""


def pictures(places: Tensor, data: Dataset) -> list[tuple[np.ndarray, str]]:
    """The items at int64 places as uint8 H×W×C, each with its class name."""
    names = data.label_names(places)
    return [(picture(item), name or "–") for item, name in zip(data.take(places), names, strict=True)]


def picture(item: Tensor) -> np.ndarray:
    """uint8 H×W×C of C×H×W in uint8, or float in 0…1: the first three channels, or the first."""
    item = item if item.dtype == torch.uint8 else (item.clamp(0, 1) * 255).round().to(torch.uint8)
    item = item[:3] if item.shape[0] >= 3 else item[:1]
    return np.ascontiguousarray(item.permute(1, 2, 0).cpu().numpy())


def shown_views(data: Dataset, name: str) -> ShownViews:
    """What a set of views makes of the first training item of up to eight classes, or of any eight, drawn twice."""
    train = data.indices("train")
    of_classes = (train[data.labels[train] == label] for label in range(len(data.classes)))
    places = torch.cat([known[:1] for known in of_classes if len(known)] or [train])[:SHOWN_ITEMS]
    shown = view_set(name, data.shape)
    views = [
        view
        for step in range(DRAWN_TWICE)
        for view in shown(data.take(places), Draw(seed=0, step=step, part=Part.whole(len(places))))
    ]
    originals = pictures(places, data)
    items = [
        (title, original, [picture(view[number]) for view in views])
        for number, (original, title) in enumerate(originals)
    ]
    return ShownViews(summary=shown.summary, items=items)


def reconstructions(found: Reconstructed, method: Reconstructor, data: Dataset) -> Reconstructions:
    """What a method gave back of the items of a data set."""
    return Reconstructions(
        items=len(found.errors),
        error=found.error,
        measure=method.measure,
        groups={heading: _given_back(shown, data) for heading, shown in found.groups.items()},
        remark=method.remark,
        between=[picture(step) for step in found.between],
    )


def _given_back(shown: Sequence[Shown], data: Dataset) -> list[GivenBack]:
    """Items that a network gave back, titled with their class, or else their id."""
    names = data.label_names(torch.tensor([one.place for one in shown]))
    return [
        GivenBack(
            title=name or data.ids[one.place],
            original=picture(one.original),
            seen=None if torch.equal(one.seen, one.original) else picture(one.seen),
            given=picture(one.given),
            error=one.error,
        )
        for one, name in zip(shown, names, strict=True)
    ]


def filter_pictures(encoder: Encoder) -> Filters | None:
    """The first filters of the first layer; None where it has none that can be drawn."""
    weights = first_filters(encoder)
    if weights is None:
        return None
    total, channels, height, width = weights.shape
    rows, columns = min(height, FILTER_SIDE), min(width, FILTER_SIDE)
    most = min(MOST_FILTERS, max(FEWEST_FILTERS, FILTER_NUMBERS // (channels * rows * columns)))
    shown = F.adaptive_avg_pool2d(weights[:most], (rows, columns))
    largest = shown.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(shown.dtype).tiny)
    return Filters([picture(one) for one in 0.5 + 0.5 * shown / largest], total, (height, width))
