"""`headstart finetune`: an encoder learns the labels at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from headstart.settings import Range, check
from headstart.terminal import note
from headstart.verbs.common import (
    Precision,
    Reading,
    Seed,
    Source,
    command_line,
    default_out,
    keep_skipped,
    note_seen,
    read,
    read_for,
)

if TYPE_CHECKING:
    from headstart.backbones import Encoder, Preprocessing
    from headstart.data import Dataset
    from headstart.training import Trained
    from headstart.transfer import HeadScores, Parts, Tuned

PATIENCE = 5
"""Epochs without anything better after which the default recipe ends."""


@dataclass(frozen=True)
class Finetuned:
    """A network with a head, beside the same encoder with nothing but a head."""

    run: str
    """The run folder, which `predict` and `evaluate` take."""
    steps: int
    resumed_from: int
    loss: float | None
    """Mean over the last epoch; None where the head was solved and is all that was learned."""
    items_per_s: float | None
    state: str
    accuracy: float | None
    """On the test part; None where there is none. With the tutorial's recipe and no test part beside val: on val."""
    interval: list[float] | None
    balanced_accuracy: float | None
    calibration_error: float | None
    """How far probabilities are from how often they are right, 0…1."""
    items: int
    """Items that the accuracy is of."""
    selected_on: str
    """What chose the weights, or the strength of the head."""
    held_out_accuracy: float | None
    """On what chose the weights: a little too good."""
    head_only: dict[str, Any] | None
    """run, accuracy, interval, balanced_accuracy and calibration_error of the body as it came with a head; `kept`: no
    epoch was better, so these are the weights of the result too."""
    last_epoch: dict[str, Any] | None
    """accuracy and interval after the last epoch, which nothing chose, where `accuracy` is of the items that chose."""
    history: list[dict[str, Any]]
    """By epoch: loss and accuracy over its training views, held_out_loss, held_out_accuracy, and seconds so far."""
    to_learn: dict[str, int]
    """The parameters that were trained, and how many numbers each holds."""
    report: str

    def __str__(self) -> str:
        lines = [*_epochs(self)]
        if self.head_only is not None:
            lines.append(_line("head only", self.head_only))
        lines.append(_line("fine-tuned" if self.history else "head only", self.__dict__))
        lines += _chosen(self)
        lines.append(f"Report: {self.report}")
        lines.append(f"Use it: headstart predict {self.run} DATA")
        return "\n".join(lines)


def _line(name: str, found: dict[str, Any]) -> str:
    if found["accuracy"] is None:
        return f"{name:12} no test part to judge it on"
    said = f"{name:12} {_with_interval(found)}"
    if found.get("last_epoch") is not None:
        said += f", selected on {found['selected_on']}"
    return f"{said}, probabilities off by {100 * found['calibration_error']:.1f} points"


def _with_interval(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{100 * found['accuracy']:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _epochs(found: Finetuned) -> list[str]:
    """A line an epoch: loss and accuracy of both parts, and how long it took."""
    away = found.selected_on if found.selected_on == "val" else "held out"
    lines, before = [], 0.0
    for row in found.history:
        learned = "not trained yet" if row["loss"] is None else _both(row["loss"], row["accuracy"])
        judged = _both(row["held_out_loss"], row["held_out_accuracy"])
        lines.append(f"epoch {row['epoch']:>2}  train {learned:25}  {away} {judged}  {row['seconds'] - before:.1f} s")
        before = row["seconds"]
    return lines


def _both(loss: float, accuracy: float) -> str:
    return f"loss {loss:.4f} accuracy {accuracy:.4f}"


def _chosen(found: Finetuned) -> list[str]:
    """What the choice of the weights has to be said of."""
    if found.last_epoch is not None:
        return [
            f"{'last epoch':12} {_with_interval(found.last_epoch)}, which nothing chose; the figure above is the "
            f"best of {len(found.history)} on {found.selected_on}, and a little too good for that."
        ]
    lines = []
    if found.held_out_accuracy is not None:
        lines.append(f"Selected on {found.selected_on}, of which {100 * found.held_out_accuracy:.1f} % are right.")
    if found.head_only is not None and found.head_only["kept"]:
        lines.append("No epoch was better on what was held out than the body as it came: its weights are kept.")
    return lines


def finetune(
    encoder: str | Path,
    data: Source,
    *,
    out: Path | None = None,
    train: str = "all",
    recipe: Literal["default", "tutorial"] = "default",
    labels_per_class: Annotated[int, Range(least=1)] | None = None,
    draw: Annotated[int, Range(least=0)] = 0,
    views: str | None = None,
    backbone: str | None = None,
    epochs: Annotated[int, Range(least=1)] | None = None,
    batch_size: Annotated[int, Range(least=1)] | None = None,
    optimizer: Literal["adamw", "sgd", "lars"] | None = None,
    lr: Annotated[float, Range(above=0)] | None = None,
    weight_decay: Annotated[float, Range(least=0)] | None = None,
    momentum: Annotated[float, Range(least=0, below=1)] | None = None,
    warmup_epochs: Annotated[float, Range(least=0)] | None = None,
    body_rate: Annotated[float, Range(above=0, most=1)] | None = None,
    smoothing: Annotated[float, Range(least=0, below=1)] | None = None,
    balanced: bool | None = None,
    statistics: Literal["kept", "batch"] | None = None,
    mixup: Annotated[float, Range(above=0)] | None = None,
    lora: Annotated[int, Range(least=1)] | None = None,
    cached_views: Annotated[int, Range(least=1)] | None = None,
    patience: Annotated[int, Range(least=1)] | None = None,
    seed: Seed = 0,
    device: str = "auto",
    precision: Precision = "auto",
    deterministic: bool = False,
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0,
    restart: bool = False,
    **reading: Annotated[Any, Reading],
) -> Finetuned:
    """Teach an encoder the labels at hand: its head alone, its last blocks, or all of it.

    The head is solved first, on features of the body as it came; from there the rest is trained in small steps, and
    the weights are kept that do best on labels held out. Both are judged on the test part.

    Example: headstart finetune efficientnet-lite0 photos/ --labels labels.csv --train head

    Args:
        encoder: A run folder, a file of weights, efficientnet-lite0, resnet18, timm/NAME or org/name.
        data: A folder, archive or table of images with labels, an .npz, or a name of `headstart data`.
        out: Run folder; default runs/<data>-finetune. The head alone: the same with -head.
        train: head, all, or last-N: the last N blocks of the encoder and the head.
        recipe: default, or tutorial: the classic tutorial to the letter, its best epoch selected on val.
        labels_per_class: Learn from so many labels of each class; default: all.
        draw: Which of the draws of so many labels.
        views: simclr, moco1, moco2, byol or glyphs; less a step: simclr-crop. Default: moves, crops and flips only.
        backbone: The architecture of a file of weights.
        epochs: Passes over the labelled items at most.
        batch_size: Images a step, over all processes together.
        optimizer: adamw, sgd or lars.
        lr: Peak learning rate of the head.
        weight_decay: Of matrices; norms and biases have none.
        momentum: Of sgd and lars.
        warmup_epochs: Epochs in which the learning rate rises.
        body_rate: Learning rate of the body, as a share of the head's; default 0.1.
        smoothing: Share of the target spread evenly over all classes; default 0.1.
        balanced: Let classes count alike in the loss, however many items they have.
        statistics: Of batch norm: kept (the default) as the encoder brought them, or those of each batch, where batches
            are large.
        mixup: Mix items in pairs, by shares from a Beta distribution with this α, such as 0.2; default: don't.
        lora: Train low-rank adapters of this rank instead of the body's own weights; default: don't.
        cached_views: With --train head: solve it on so many random views of each item too, each seen by the body once.
        patience: Epochs without anything better on the labels held out after which training ends; default 5.
        seed: Of order and views.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of the arithmetic.
        deterministic: Same bits twice on CUDA too, which is slower.
        checkpoint_seconds: Time between checkpoints; 0: after every step.
        restart: Forget what is in the run folders and begin anew.
    """
    from headstart.backbones import IMAGENET
    from headstart.methods.fine_tuned import FineTuned
    from headstart.training import TrainSettings, check_encoder, open_encoder
    from headstart.transfer import HEAD_ONLY, CachedViews, FineTuning, check_shape, fine_tune, parts_of
    from headstart.views import check_view_set

    encoder = str(encoder)
    check_encoder(encoder, backbone, "ENCODER")
    asked = {
        "body_rate": body_rate,
        "smoothing": smoothing,
        "balanced": balanced,
        "statistics": statistics,
        "mixup": mixup,
        "lora": lora,
    }
    method_settings = {name: value for name, value in asked.items() if value is not None}
    check(FineTuned, method_settings)
    tutorial = recipe == "tutorial"
    beside = {"views": views, "cached_views": cached_views, "patience": patience}
    if tutorial:
        refuse_beside_tutorial({**asked, **beside})
    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        warmup_epochs=warmup_epochs,
        precision=precision,
        device=device,
        seed=seed,
        deterministic=deterministic,
        checkpoint_seconds=checkpoint_seconds,
    )
    if views is not None:
        check_view_set(views)
    check_train(train, lora=lora, cached_views=cached_views)
    opened, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    shown = IMAGENET
    if tutorial:
        size = reading.pop("size", None)
        shown = shown if size is None else shown.at(size)
        loaded = read(data, usual_size=shown.decode, **reading)
        note_other_pixels(opened, shown)
    elif train == HEAD_ONLY:
        loaded = read_for(opened, data, **reading)
    else:
        loaded = read(data, usual_size=opened.shape[-1], **reading)
    check_shape(opened, loaded)
    split_seed = reading.get("split_seed", 0)
    parts = parts_of(
        loaded, labels_per_class=labels_per_class, split_seed=split_seed, draw=draw, chosen_on_test=tutorial
    )
    note_seen(description, loaded, parts.tested, "test items are")
    tuning = FineTuning(
        encoder=encoder,
        data=loaded,
        parts=parts,
        part=train,
        recipe=recipe,
        shown=shown,
        backbone=backbone,
        download=reading.get("download", False),
        views=views,
        method_settings=method_settings,
        settings=settings,
        patience=patience or PATIENCE,
        cached=None if cached_views is None else CachedViews(cached_views, views, seed),
        split_seed=split_seed,
    )
    folder = out or default_out(loaded, "finetune")
    head = folder.with_name(f"{folder.name}-head")
    found = fine_tune(tuning, opened, folder, head, explicit=out is not None, restart=restart, command=command_line())
    keep_skipped(loaded, found.run)
    return _result(found, tuning.parts, loaded, opened)


def check_train(train: str, *, lora: int | None = None, cached_views: int | None = None) -> None:
    """Raises `InputError` where `--train` is none of the forms there are, or what else is asked for needs another."""
    import re

    from headstart.errors import InputError

    if train not in ("all", "head") and not re.fullmatch(r"last-[1-9]\d*", train):
        raise InputError(f"--train {train}: choose head, all, or last-N, such as last-1: the last block and the head.")
    if lora is not None and train == "head":
        raise InputError("--lora adapts the body, and --train head leaves it as it is: leave one of them out.")
    if cached_views is not None and train != "head":
        raise InputError("--cached-views is for a body that stays as it is: give --train head with it.")


def refuse_beside_tutorial(asked: Mapping[str, Any]) -> None:
    """Raises `InputError` for settings that the tutorial's recipe leaves no room for."""
    from headstart.errors import InputError
    from headstart.settings import flag

    given = [flag(name) for name, value in asked.items() if value is not None]
    if given:
        raise InputError(f"--recipe tutorial is the tutorial to the letter, which has no {given[0]}: leave one out.")


def note_other_pixels(encoder: Encoder, shown: Preprocessing) -> None:
    """Says where weights were trained on pictures that were normalised otherwise than the tutorial's."""
    own = tuple(round(value, 3) for value in encoder.mean.flatten().tolist())
    if own != shown.mean:
        note(
            f"{encoder.name} was trained on pictures with mean {own[0]:g}; --recipe tutorial shows them with "
            "ImageNet's mean and deviation all the same, as the tutorial does."
        )


def _result(found: Tuned, parts: Parts, data: Dataset, encoder: Encoder) -> Finetuned:
    from headstart.report import TuningPage, write_tuning

    trained, run = found.trained, found.run.absolute()
    head_only = None
    if found.head_only is not None:
        kept = trained is not None and trained.best_step == 0
        head_only = {"run": str(found.head_only.run.absolute()), "kept": kept, **_figures(found.head_scores)}
    history = [] if trained is None else _history(trained.history)
    scores = found.scores
    result = Finetuned(
        run=str(run),
        steps=0 if trained is None else trained.steps,
        resumed_from=0 if trained is None else trained.resumed_from,
        loss=None if trained is None else trained.loss,
        items_per_s=None if trained is None else trained.items_per_s,
        state="done",
        items=0 if scores is None else scores.items,
        selected_on="train folds" if trained is None else parts.selected_on,
        held_out_accuracy=None if trained is None else _held_out_accuracy(trained),
        head_only=head_only,
        last_epoch=_last_epoch(history, len(parts.tested)) if parts.tested is parts.held_out else None,
        history=history,
        to_learn=dict(found.to_learn),
        report=str(run / "report.html"),
        **_figures(scores),
    )
    if scores is None:
        note(f"{data.name} has no test part to judge on: compare judges by cross-validation.")
    page = TuningPage(
        title=f"{encoder.name} on {data.name}",
        summary=str(result).splitlines()[len(history) : -2],
        classes=data.classes,
        history=() if trained is None else trained.history,
        confusion=None if scores is None else scores.confusion.numpy(),
        to_learn=result.to_learn,
        settings={name: value for name, value in vars(result).items() if name not in NOT_FACTS},
    )
    write_tuning(page, run / "report.html")
    return result


NOT_FACTS = ("head_only", "last_epoch", "history", "to_learn", "report")
"""What the report shows otherwise than as a figure by its name."""


def _history(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was logged wherever an epoch ended, and before the first one."""
    return [
        {
            "epoch": row["epoch"] + (row["step"] > 0),
            "loss": row.get("epoch_loss"),
            "accuracy": row.get("epoch_accuracy"),
            "held_out_loss": row["held_out_loss"],
            "held_out_accuracy": row["held_out_accuracy"],
            "seconds": row.get("seconds", 0.0),
        }
        for row in rows
        if "held_out_loss" in row
    ]


def _held_out_accuracy(trained: Trained) -> float | None:
    """What the judge said of the weights that were kept."""
    rows = [row for row in trained.history if row["step"] == trained.best_step]
    return rows[-1].get("held_out_accuracy") if rows else None


def _last_epoch(history: Sequence[Mapping[str, Any]], items: int) -> dict[str, Any]:
    """The accuracy of the last weights on the items that were held out, with its interval."""
    import torch

    from headstart.evaluation import accuracy_interval

    accuracy = history[-1]["held_out_accuracy"]
    interval = accuracy_interval((torch.arange(items) < round(accuracy * items))[None, None].numpy())
    return {"accuracy": accuracy, "interval": [interval.low, interval.high]}


def _figures(scores: HeadScores | None) -> dict[str, Any]:
    if scores is None:
        return dict.fromkeys(("accuracy", "interval", "balanced_accuracy", "calibration_error"))
    return {
        "accuracy": scores.accuracy.mean,
        "interval": [scores.accuracy.low, scores.accuracy.high],
        "balanced_accuracy": scores.balanced_accuracy,
        "calibration_error": scores.calibration_error,
    }
