"""`headstart evaluate`: what an encoder's features are worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Unpack

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import Reading, Source, check_writable, note_seen, read_for
from headstart.verbs.layers import EVERY, find_layers

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones import Encoder
    from headstart.data import Dataset
    from headstart.evaluation import Judgement, LabelCount, Layer
    from headstart.report import Filters

DEFAULT_LABELS = (1, 5, 10)
HEADS = ("linear", "knn", "propagation")

HEALTH_ITEMS, CHUNK = 2000, 64
"""Items that health is of, and how many of them have their views made at once."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one encoder on the items it is asked about."""

    knn: dict[str, Any]
    """k, temperature, metric, accuracy and interval, with all labels; empty where there are none."""
    linear: dict[str, Any]
    """l2, accuracy and interval, with all labels."""
    propagation: dict[str, Any]
    few_label: list[dict[str, Any]]
    """labels_per_class, accuracy, interval, draws, and every head's own."""
    health: dict[str, Any]
    """rank_me, alignment, uniformity, collapsed."""
    confusion: list[list[int]]
    """A row a true class, a column a predicted one, by the head chosen with all labels."""
    classes: list[str]
    items: int
    layer: str | None
    """With `all`, everything but `layers` is of the features."""
    judging: str | None = None
    """What the figures come from: test part, or cross-validation; None where there are none."""
    layers: list[dict[str, Any]] = field(default_factory=list)
    """With `all`: layer, width, knn, linear and propagation of every block, the features and the projection."""
    filters: str | None = None
    """The picture of the first layer's filters."""

    def __str__(self) -> str:
        asked = "items, cross-validated" if self.judging == "cross-validation" else "test items"
        layer = f", layer {self.layer}" if self.layer and not self.layers else ""
        lines = [f"{self.items} {asked}{layer}"]
        for name, found in zip(HEADS, (self.linear, self.knn, self.propagation), strict=True):
            if found:
                how = ", ".join(
                    f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in found["settings"].items()
                )
                lines.append(f"{name:12} {_figure(found)}   ({how})")
                if found.get("top5_accuracy") is not None:
                    lines.append(f"{'':12} top-5 {100 * found['top5_accuracy']:.1f} %")
        for row in self.few_label:
            k = row["labels_per_class"]
            lines.append(
                f"{k} label{'s' if k > 1 else ''} a class: {_figure(row)}   ({row['head']}, {row['draws']} draws)"
            )
        health = self.health
        lines.append(
            f"health: effective rank {health['rank_me']:.1f}, alignment {health['alignment']:.3f}, "
            f"uniformity {health['uniformity']:.2f}{', COLLAPSED' if health['collapsed'] else ''}"
        )
        lines += _layer_table(self.layers)
        if self.filters is not None:
            lines.append(f"filters of the first layer: {self.filters}")
        return "\n".join(lines)


def _layer_table(layers: list[dict[str, Any]]) -> list[str]:
    """A heading, and a line a layer with what its heads reach with all labels; nothing where there are no layers."""
    cells = [["layer", "width", *HEADS]]
    cells += [[row["layer"], str(row["width"]), *(_figure(row[head]) for head in HEADS)] for row in layers]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return lines if layers else []


def _figure(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{100 * found['accuracy']:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def evaluate(
    encoder: str | Path,
    data: Source,
    *,
    layer: str | None = None,
    labels_per_class: str | None = None,
    draws: Annotated[int, Range(least=2)] = 10,
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

    counts = _counts(labels_per_class)
    network, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    where = choose_device(device)
    layers = find_layers(network, Path(encoder), layer, where)
    drawable = None if filters is None else _drawable(network, filters)
    loaded = read_for(network, data, **reading)
    check_shape(network, loaded)
    asked = asked_items(loaded)
    note_seen(description, loaded, asked, "items asked about were")
    drawn = {"draws": draws, "split_seed": reading.get("split_seed", 0)}
    few = _fitting(counts, loaded, explicit=labels_per_class is not None, **drawn) if loaded.classes else None
    judged = [] if few is None else _judged(network, loaded, layers, few, device=where, **drawn)
    found = _evaluation(_main(judged), _health(network, loaded, asked, where), loaded, len(asked), layer)
    return replace(
        found,
        layers=[_row(one) for one in judged] if layer == EVERY else [],
        filters=None if drawable is None else _draw(*drawable),
    )


class Judged(NamedTuple):
    """A layer, and what its features are worth."""

    name: str
    layer: Layer | None
    width: int
    judgement: Judgement


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
    found = []
    for (name, layer), rows, made in zip(layers, known, queries, strict=True):
        counts = (*few, "all") if len(layers) == 1 or layer is None else ("all",)
        exam = exam_of(data, counts, draws=draws, split_seed=split_seed)
        found.append(Judged(name, layer, made.shape[1], examine(Bank(rows), made, exam)))
    return found


def _main(judged: list[Judged]) -> Judgement | None:
    """What the main figures are of: the features where all layers are judged, else the one."""
    return next((one.judgement for one in judged if len(judged) == 1 or one.layer is None), None)


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
            "linear layer on all pixels, of pictures with 1 or 3 channels."
        )
    return check_writable(path), found


def _draw(target: Path, filters: Filters) -> str:
    """Writes the picture, every filter with its number."""
    from headstart.report import item_grid_png

    item_grid_png(filters.pictures, [f"filter {number + 1}" for number in range(len(filters.pictures))], target)
    return str(target)


def _health(network: Encoder, data: Dataset, test: Tensor, device: Any) -> dict[str, Any]:
    """Health from two random views of the first test items."""
    import torch

    from headstart.contracts import Draw, Part
    from headstart.evaluation import features, health
    from headstart.views import default_views, view_set

    index = test[:HEALTH_ITEMS]
    look = view_set(default_views(data.shape), data.shape)
    rows = []
    for start in range(0, len(index), CHUNK):
        part = Part(start, min(start + CHUNK, len(index)), len(index))
        views = look(data.take(index[start : part.stop]), Draw(seed=0, step=0, part=part))
        rows.append([features(network, view, device=device) for view in (views[0], views[-1])])
    first, second = (torch.cat(made) for made in zip(*rows, strict=True))
    return asdict(health(first, second))


def _row(one: Judged) -> dict[str, Any]:
    """A layer of `Evaluation.layers`."""
    return {"layer": one.name, "width": one.width, **{head: _whole(one.judgement, head) for head in HEADS}}


def _whole(judgement: Judgement | None, head: str) -> dict[str, Any]:
    """A head's settings and figures with all labels; nothing where nothing was judged."""
    if judgement is None:
        return {}
    settings = dict(judgement.settings["all", head][0])
    found = {**settings, **_figures(judgement, "all", head), "settings": settings}
    top5 = judgement.top5_accuracy("all", head)
    return found if top5 is None else {**found, "top5_accuracy": top5}


def _few(judgement: Judgement, k: LabelCount) -> dict[str, Any]:
    """What is reached with k labels a class."""
    return {
        "labels_per_class": k,
        **_figures(judgement, k, "chosen"),
        "draws": judgement.draws(k),
        "head": max(sorted(set(judgement.chosen(k))), key=judgement.chosen(k).count),
        "heads": {head: _figures(judgement, k, head) for head in judgement.heads(k)},
    }


def _figures(judgement: Judgement, k: LabelCount, head: str) -> dict[str, Any]:
    from headstart.evaluation import accuracy_interval

    mean, low, high = accuracy_interval(judgement.correct(k, head)[None])
    return {"accuracy": mean, "interval": [low, high], "balanced_accuracy": judgement.balanced_accuracy(k, head)}


def _evaluation(
    judgement: Judgement | None, health: dict[str, Any], data: Dataset, items: int, layer: str | None
) -> Evaluation:
    few = [] if judgement is None else [_few(judgement, k) for k in judgement.labels_per_class if k != "all"]
    return Evaluation(
        knn=_whole(judgement, "knn"),
        linear=_whole(judgement, "linear"),
        propagation=_whole(judgement, "propagation"),
        few_label=few,
        health=health,
        confusion=[] if judgement is None else judgement.confusion("all").tolist(),
        classes=list(data.classes),
        items=items,
        layer=layer,
        judging=None if judgement is None else "cross-validation" if data.cross_validated else "test part",
    )
