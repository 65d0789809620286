"""`headstart evaluate`: what an encoder's features are worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import Reading, Source, note_seen, read_for

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones import Encoder
    from headstart.data import Dataset
    from headstart.evaluation import Judgement, LabelCount

DEFAULT_LABELS = (1, 5, 10)


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
    judging: str | None = None
    """What the figures come from: test part, or cross-validation; None where there are none."""

    def __str__(self) -> str:
        asked = "items, cross-validated" if self.judging == "cross-validation" else "test items"
        lines = [f"{self.items} {asked}{f', layer {self.layer}' if self.layer else ''}"]
        for name, found in (("linear", self.linear), ("knn", self.knn), ("propagation", self.propagation)):
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
        return "\n".join(lines)


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
        layer: A block of the backbone, or projection: what the loss was computed on.
        labels_per_class: Comma-separated; default 1,5,10 as far as there are labels.
        draws: How often the labels are drawn anew.
        backbone: The architecture of a file of weights.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    import torch

    from headstart.evaluation import Bank, asked_items, exam_of, examine, features_of
    from headstart.training import open_encoder
    from headstart.training.machine import choose_device
    from headstart.transfer import check_shape

    counts = _counts(labels_per_class)
    network, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    where = choose_device(device)
    shown = _layer(Path(encoder), layer, where)
    loaded = read_for(network, data, **reading)
    check_shape(network, loaded)
    train, asked = loaded.indices("train"), asked_items(loaded)
    note_seen(description, loaded, asked, "items asked about were")
    bank = Bank(features_of(network, loaded, train, device=where, layer=shown))
    judgement = None
    drawn = {"draws": draws, "split_seed": reading.get("split_seed", 0)}
    few = _fitting(counts, loaded, explicit=labels_per_class is not None, **drawn) if loaded.classes else None
    if few is not None:
        if loaded.cross_validated:
            made = bank.features[torch.isin(train, asked)]
        else:
            made = features_of(network, loaded, asked, device=where, layer=shown)
        judgement = examine(bank, made, exam_of(loaded, (*few, "all"), **drawn))
    return _evaluation(judgement, _health(network, loaded, asked, where), loaded, len(asked), layer)


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


def _layer(run: Path, layer: str | None, device: Any) -> Any:
    """What `features` takes: None, a block's name, or the run's projector as a function."""
    if layer != "projection":
        return layer
    from headstart.training import load_projector

    return load_projector(run).to(device)


def _health(network: Encoder, data: Dataset, test: Tensor, device: Any) -> dict[str, Any]:
    """Health from two random views of the first test items."""
    from headstart.contracts import Draw, Part
    from headstart.evaluation import features, health
    from headstart.views import default_views, view_set

    items = data.take(test[:2000])
    views = view_set(default_views(data.shape), data.shape)(items, Draw(seed=0, step=0, part=Part.whole(len(items))))
    first, second = (features(network, view, device=device) for view in (views[0], views[-1]))
    return asdict(health(first, second))


def _evaluation(
    judgement: Judgement | None, health: dict[str, Any], data: Dataset, items: int, layer: str | None
) -> Evaluation:
    from headstart.evaluation import accuracy_interval

    def figures(k: Any, head: str) -> dict[str, Any]:
        assert judgement is not None
        mean, low, high = accuracy_interval(judgement.correct(k, head)[None])
        return {"accuracy": mean, "interval": [low, high], "balanced_accuracy": judgement.balanced_accuracy(k, head)}

    def whole(head: str) -> dict[str, Any]:
        if judgement is None:
            return {}
        settings = dict(judgement.settings["all", head][0])
        found = {**settings, **figures("all", head), "settings": settings}
        top5 = judgement.top5_accuracy("all", head)
        return found if top5 is None else {**found, "top5_accuracy": top5}

    few = [] if judgement is None else [k for k in judgement.labels_per_class if k != "all"]
    return Evaluation(
        knn=whole("knn"),
        linear=whole("linear"),
        propagation=whole("propagation"),
        few_label=[
            {
                "labels_per_class": k,
                **figures(k, "chosen"),
                "draws": judgement.draws(k),
                "head": max(sorted(set(judgement.chosen(k))), key=judgement.chosen(k).count),
                "heads": {head: figures(k, head) for head in judgement.heads(k)},
            }
            for k in few
            if judgement is not None
        ],
        health=health,
        confusion=[] if judgement is None else judgement.confusion("all").tolist(),
        classes=list(data.classes),
        items=items,
        layer=layer,
        judging=None if judgement is None else "cross-validation" if data.cross_validated else "test part",
    )
