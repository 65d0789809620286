"""Items and views of a data set as pictures that a page can show."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from headstart.contracts import Draw, Part
from headstart.data import Dataset
from headstart.report.content import ShownViews
from headstart.views import view_set

SHOWN_ITEMS = 8
DRAWN_TWICE = 2


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
    """What a set of views makes of the first training item of up to eight classes, drawn twice."""
    train = data.indices("train")
    labels = data.labels[train]
    firsts = [torch.nonzero(labels == label).flatten()[:1] for label in range(len(data.classes))]
    chosen = torch.cat(firsts)[:SHOWN_ITEMS] if data.classes else torch.arange(min(SHOWN_ITEMS, len(train)))
    places = train[chosen]
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
