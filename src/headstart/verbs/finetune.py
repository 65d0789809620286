"""`headstart finetune`: an encoder learns the labels at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from headstart.errors import InputError
from headstart.settings import Range, check, parted
from headstart.terminal import note
from headstart.verbs.common import (
    Reading,
    Source,
    TrainSettings,
    check_named_encoder,
    command_line,
    default_out,
    keep_skipped,
    note_seen,
    read,
    read_for,
    refuse,
)
from headstart.verbs.finetuned import Finetuned, result_of

if TYPE_CHECKING:
    from headstart.backbones import Encoder, Preprocessing
    from headstart.data import Dataset

OF_A_SOLVED_HEAD = ("seed", "device", "precision", "deterministic", "checkpoint_seconds")
"""The settings of training that mean something, or the same as on every verb, where only a head is solved."""


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
    body_rate: Annotated[float, Range(above=0, most=1)] | None = None,
    smoothing: Annotated[float, Range(least=0, below=1)] | None = None,
    balanced: bool | None = None,
    statistics: Literal["kept", "batch"] | None = None,
    mixup: Annotated[float, Range(above=0)] | None = None,
    lora: Annotated[int, Range(least=1)] | None = None,
    cached_views: Annotated[int, Range(least=1)] | None = None,
    patience: Annotated[int, Range(least=1)] | None = None,
    restart: bool = False,
    **others: Annotated[Any, TrainSettings, Reading],
) -> Finetuned:
    """Teach an encoder the labels at hand: its head alone, its last blocks, or all of it.

    The head is solved first, on features of the body as it came; from there the rest is trained in small steps, and
    the weights are kept that do best on labels held out. Both are judged on the test part.

    Example: headstart finetune efficientnet-lite0 photos/ --labels labels.csv --train head

    Args:
        encoder: A run folder, a file of weights, efficientnet-lite0, resnet18, timm/NAME or org/name.
        data: A folder, archive or table of images with labels, an .npz, or a name of `headstart data`.
        out: Run folder; default runs/<data>-finetune. The body with a head alone, to compare with: the same with -head.
        train: head, all, or last-N: the last N blocks of the encoder and the head.
        recipe: default, or tutorial: the classic tutorial to the letter, its best epoch selected on val, else on test.
        labels_per_class: Learn from so many labels of each class; default: all.
        draw: Which of the draws of so many labels; with labels_per_class.
        views: simclr, moco1, moco2, byol or glyphs; less a step: simclr-crop. Default: moves, crops and flips only.
        backbone: The architecture of a file of weights.
        body_rate: Learning rate of the body, as a share of the head's; default 0.1.
        smoothing: Share of the target spread evenly over all classes; default 0.1.
        balanced: Let classes count alike in the loss, however many items they have.
        statistics: Of batch norm: kept (the default) as the encoder brought them, or those of each batch, where batches
            are large.
        mixup: Mix items in pairs, by shares from a Beta distribution with this α, such as 0.2; default: don't.
        lora: Train low-rank adapters of this rank instead of the body's own weights; default: don't.
        cached_views: With --train head: solve it on so many random views of each item too, each seen by the body once.
        patience: Epochs without anything better on the labels held out after which training ends; default 5.
        restart: Forget what is in the run folders and begin anew.
    """
    from headstart.backbones import IMAGENET
    from headstart.methods.fine_tuned import FineTuned
    from headstart.training import open_encoder
    from headstart.transfer import CachedViews, FineTuning, check_shape, fine_tune, parts_of
    from headstart.views import check_view_set

    training, reading = parted(others, TrainSettings)
    encoder = str(encoder)
    check_named_encoder(encoder, backbone)
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
        refuse(asked | beside, "--recipe tutorial is the tutorial to the letter, which has no {}: leave one out.")
    settings = TrainSettings(**training)
    if draw and labels_per_class is None:
        raise InputError(f"--draw {draw} says which draw of --labels-per-class is learned from: give both.")
    if views is not None:
        check_view_set(views)
    check_train(train, views=views, cached_views=cached_views)
    if train == "head" and not tutorial:
        of_training = {name: value for name, value in training.items() if name not in OF_A_SOLVED_HEAD}
        refuse(
            asked | {"patience": patience} | of_training,
            "{} is for a body that learns; the head alone is solved, not trained: leave it out, or choose another "
            "--train.",
        )
    opened, description = open_encoder(encoder, backbone=backbone, download=reading.get("download", False))
    if tutorial:
        loaded, shown = read_for_tutorial(opened, data, **reading)
    elif train == "head":
        loaded, shown = read_for(opened, data, **reading), IMAGENET
    else:
        loaded, shown = read(data, usual_size=opened.shape[-1], **reading), IMAGENET
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
        cached=None if cached_views is None else CachedViews(cached_views, views, settings.seed),
        split_seed=split_seed,
        **({} if patience is None else {"patience": patience}),
    )
    folder = out or default_out(loaded, "finetune")
    head = folder.with_name(f"{folder.name}-head")
    found = fine_tune(tuning, opened, folder, head, explicit=out is not None, restart=restart, command=command_line())
    keep_skipped(found.run, loaded)
    return result_of(found, parts, loaded, opened)


def check_train(train: str, *, views: str | None, cached_views: int | None) -> None:
    """Raises `InputError` where `--train` is none of the forms there are, or what else is asked for needs another."""
    import re

    if train not in ("all", "head") and not re.fullmatch(r"last-[1-9]\d*", train):
        raise InputError(f"--train {train}: choose head, all, or last-N, such as last-1: the last block and the head.")
    if views is not None and train == "head" and cached_views is None:
        raise InputError(f"--views {views}: --train head shows views with --cached-views alone: give both.")
    if cached_views is not None and train != "head":
        raise InputError("--cached-views is for a body that stays as it is: give --train head with it.")


def read_for_tutorial(encoder: Encoder, data: Source, **reading: Unpack[Reading]) -> tuple[Dataset, Preprocessing]:
    """The data decoded for the tutorial's pictures, and those; says where the encoder's weights learned from others."""
    from headstart.backbones import IMAGENET

    size = reading.pop("size", None)
    shown = IMAGENET if size is None else IMAGENET.at(size)
    own = tuple(round(value, 3) for value in encoder.mean.flatten().tolist())
    if own != shown.mean:
        note(
            f"{encoder.name} was trained on pictures with mean {own[0]:g}; --recipe tutorial shows them with "
            "ImageNet's mean and deviation all the same, as the tutorial does."
        )
    return read(data, usual_size=shown.decode, **reading), shown
