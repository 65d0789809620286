"""What `headstart evaluate` gives: the figures of an encoder's layers, and how they are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from headstart.verbs.layers import EVERY

if TYPE_CHECKING:
    from headstart.data import Dataset
    from headstart.evaluation import Judgement, LabelCount, Layer

HEADS = ("linear", "knn", "propagation")


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
    """With `all`: layer, width, knn, linear and propagation of blocks, features and projection, each figure once."""
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


class Judged(NamedTuple):
    """A layer, and what its features are worth."""

    name: str
    layer: Layer | None
    width: int
    judgement: Judgement


def evaluation(
    judged: Sequence[Judged],
    health: dict[str, Any],
    data: Dataset,
    items: int,
    *,
    layer: str | None,
    filters: str | None,
) -> Evaluation:
    """The main figures are of the features where all layers were judged, else of the one that was, if any."""
    judgement = next((one.judgement for one in judged if len(judged) == 1 or one.layer is None), None)
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
        layers=[_row(one) for one in judged] if layer == EVERY else [],
        filters=filters,
    )


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
