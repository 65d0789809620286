"""`headstart evaluate`: what an encoder's features are worth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import (
    Reading,
    Source,
    check_named_encoder,
    check_writable,
    note_judging,
    note_seen,
    read_for,
)
from headstart.verbs.evaluated import Evaluation, Judged, evaluation
from headstart.verbs.layers import find_layers

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones import Encoder
    from headstart.contracts import Part
    from headstart.data import Dataset
    from headstart.evaluation import LabelCount, Layer
    from headstart.report import Filters

DEFAULT_LABELS = (1, 5, 10)

HEALTH_ITEMS = 2000
"""Items that health is of."""


def evaluate(
    encoder: str | Path,
    data: Source,
    *,
    layer: str | None = None,
    labels_per_class: str | None = None,
    draws: Annotated[int, Range(least=10)] = 10,
    filters: Path | None = None,
    backbone: str | None = None,
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Evaluation:
    """Judge an encoder: kNN, a linear probe, few-label accuracy with intervals, and its health.

    Features are made once, of all items; the heads learn from the training part and report on the test part, or by
    cross-validation over the labelled items where these are too few for a test part.

    Example: headstart evaluate runs/photos-simclr photos/ --layer projection

    Args:
        encoder: A run folder, efficientnet-lite0, resnet18, timm/NAME, a Hugging Face id, or a file of weights.
        data: What to judge on; with the data it learned from, the same split.
        layer: A block of the backbone; projection: what the loss was computed on; all: one after the other.
        labels_per_class: Comma-separated; default 1,5,10 as far as there are labels.
        draws: How often the labels are drawn anew.
        filters: A PNG to draw the filters of the first layer in.
        backbone: The architecture of a file of weights.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from headstart.evaluation import asked_items
    from headstart.training import open_encoder
    from headstart.training.machine import choose_device
    from headstart.transfer import check_shape

    check_named_encoder(str(encoder), backbone)
    counts = _counts(labels_per_class)
    network, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    where = choose_device(device)
    layers = find_layers(network, Path(encoder), layer, where)
    drawable = None if filters is None else _drawable(network, filters)
    loaded = read_for(network, data, **reading)
    check_shape(network, loaded)
    note_judging(loaded)
    asked = asked_items(loaded)
    note_seen(description, loaded, asked, "items asked about were")
    drawn = {"draws": draws, "split_seed": reading.get("split_seed", 0)}
    few = _fitting(counts, loaded, explicit=labels_per_class is not None, **drawn) if loaded.classes else None
    judged = [] if few is None else _judged(network, loaded, layers, few, device=where, **drawn)
    health = _health(network, loaded, asked, where)
    picture = None if drawable is None else _draw(*drawable)
    return evaluation(judged, health, loaded, len(asked), layer=layer, filters=picture)


def _judged(
    network: Encoder,
    data: Dataset,
    layers: list[tuple[str, Layer | None]],
    few: list[LabelCount],
    *,
    device: Any,
    draws: int,
    split_seed: int,
) -> list[Judged]:
    """Every layer judged with all labels, from one pass over the items; with few, what the main figures are of."""
    import torch

    from headstart.evaluation import Bank, asked_items, exam_of, examine, layers_of

    train, asked = data.indices("train"), asked_items(data)
    taps = [layer for _, layer in layers]
    known = layers_of(network, data, train, taps, device=device)
    if data.cross_validated:
        queries = [rows[torch.isin(train, asked)] for rows in known]
    else:
        queries = layers_of(network, data, asked, taps, device=device)
    repeated = _repeated(layers, known)
    found = []
    for place, ((name, layer), rows, made) in enumerate(zip(layers, known, queries, strict=True)):
        if place == repeated:
            continue
        counts = (*few, "all") if len(layers) == 1 or layer is None else ("all",)
        exam = exam_of(data, counts, draws=draws, split_seed=split_seed)
        found.append(Judged(name, layer, made.shape[1], examine(Bank(rows), made, exam)))
    return found


def _repeated(layers: list[tuple[str, Layer | None]], known: list[Tensor]) -> int | None:
    """The place of the last block where it gives the very features, whose figures would stand there twice."""
    features = [layer for _, layer in layers].index(None) if len(layers) > 1 else 0
    if features == 0 or known[features - 1].shape != known[features].shape:
        return None
    return features - 1 if known[features - 1].allclose(known[features], rtol=1e-4, atol=1e-6) else None


def _counts(text: str | None) -> tuple[int, ...]:
    """`1,5,10`; None is the default."""
    if text is None:
        return DEFAULT_LABELS
    words = [word.strip() for word in text.split(",") if word.strip() != "all"]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise InputError(f"--labels-per-class {text}: give whole numbers above 0 with commas between them.")
    return tuple(sorted({int(word) for word in words}))


def _fitting(
    counts: tuple[int, ...], data: Dataset, *, explicit: bool, draws: int, split_seed: int
) -> list[LabelCount] | None:
    """The numbers of labels that every draw can be lent; one that was asked for stays, to be refused.

    None, with a note, where a class has a single label: cross-validation has none left to lend.
    """
    from headstart.evaluation import lowered, most_labels

    data.require_classes()
    most = most_labels(data, draws=draws, split_seed=split_seed)
    rarest = min(most, key=lambda name: most[name])
    if data.cross_validated and most[rarest] == 0:
        note(f"Class '{rarest}' has a label on one item only, so nothing can be judged: label another of it.")
        return None
    if explicit or most[rarest] == 0:
        return list(counts) if explicit else []
    if data.cross_validated:
        return lowered(counts, most[rarest])
    return [k for k in counts if k <= most[rarest]]


def _drawable(network: Encoder, path: Path) -> tuple[Path, Filters]:
    """Where to draw the filters of the first layer; raises `InputError` where it has none, or can't be written to."""
    from headstart.report import filter_pictures

    found = filter_pictures(network)
    if found is None:
        raise InputError(
            f"--filters {path}: the first layer of {network.name} can't be drawn; that takes a convolution, or a "
            "linear layer on all pixels or on patches of them, of pictures with 1 or 3 channels."
        )
    return check_writable(path), found


def _draw(target: Path, filters: Filters) -> str:
    """Writes the picture, every filter with its number."""
    from headstart.report import item_grid_png

    item_grid_png(filters.pictures, [f"filter {number + 1}" for number in range(len(filters.pictures))], target)
    return str(target)


def _health(network: Encoder, data: Dataset, test: Tensor, device: Any) -> dict[str, Any]:
    """Health from two random views of the first test items."""
    from headstart.contracts import Draw
    from headstart.evaluation import features_of_views, health
    from headstart.views import default_views, view_set

    make = view_set(default_views(data.shape), data.shape)

    def look(items: Tensor, part: Part) -> tuple[Tensor, Tensor]:
        views = make(items, Draw(seed=0, step=0, part=part))
        return views[0], views[-1]

    return asdict(health(*features_of_views(network, data, test[:HEALTH_ITEMS], look, device=device)))
