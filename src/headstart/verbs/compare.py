"""`headstart compare`: which representation wins on this data, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import (
    FOR_BOTH,
    Precision,
    Reading,
    Seed,
    Source,
    command_line,
    default_out,
    keep_skipped,
    note_judging,
    of_one_kind,
    read,
    refuse,
)

if TYPE_CHECKING:
    from headstart.comparison import Comparison

DRAWS = 10
"""How often labels are drawn, where nobody says."""


def compare(
    data: Source,
    *,
    target: Source | None = None,
    target_labels: Path | None = None,
    routes: str | None = None,
    labels_per_class: str | None = None,
    draws: Annotated[int, Range(least=10)] = DRAWS,
    budget: str | None = None,
    epochs: Annotated[int, Range(least=1)] | None = None,
    seeds: str | None = None,
    seed: Seed | None = None,
    backbone: str | None = None,
    views: str | None = None,
    set: tuple[str, ...] = (),
    strict: bool = False,
    out: Path | None = None,
    restart: bool = False,
    device: str = "auto",
    precision: Precision = "auto",
    deterministic: bool = False,
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0,
    **reading: Unpack[Reading],
) -> Comparison:
    """Train and judge several routes to a representation alike, and say which wins and how sure that is.

    Ends with leaderboard.json, report.html and the winning encoder with its head in best/, which `predict` takes.
    An interrupted comparison goes on where it was when the same command is given again.

    With --target, DATA is a source with labels, and what is compared are ways to carry them over to the target.

    Example: headstart compare photos/ --labels-per-class 1,5,10,all --budget 15m

    Args:
        data: A folder, archive or table of images, an .npz, .npy or IDX file, or a name of `headstart data`.
        target: Images of the same classes from elsewhere, with or without labels; labels are used for the final score.
        target_labels: As `--labels`, for the target.
        routes: Comma-separated, beside raw and random: scratch, supervised, any method or ./mine.py:Mine; pretrained,
            or an encoder by name: efficientnet-lite0, resnet18, timm/NAME, a file, a run folder; pretrained+simclr.
            With target: source_only, methods that adapt, target_supervised.
        labels_per_class: Comma-separated numbers of labels a class to judge at, and `all`; default 1,5,10,all.
        draws: How often the labels are drawn anew.
        budget: Upper limit on the wall time, such as 600s, 10m or 2h; the default suits the size of the data.
        epochs: Passes over the data for every route, instead of a budget; those that learn from labels take more where
            these are few.
        seeds: Comma-separated seeds to train every route from; default 0.
        seed: One seed, short for seeds.
        backbone: Network that is trained; `headstart backbones` lists them.
        views: simclr, moco1, moco2, byol or glyphs; less a step: simclr-crop.
        set: A setting of one route, such as simclr.temperature=0.1; can be repeated.
        strict: Where labels are too few for a test part, keep all labelled items out of pretraining, unseen.
        out: Folder of the results; default runs/<data>-compare.
        restart: Forget what is in the folder and begin anew.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of the arithmetic in training.
        deterministic: Same bits twice on CUDA too, which is slower.
        checkpoint_seconds: Time between checkpoints.
    """
    from headstart.comparison import CompareSettings, run_comparison

    asked: dict[str, Any] = {
        "routes": tuple(routes.split(",")) if routes else None,
        "seeds": _seeds(seeds, seed),
        "epochs": epochs,
        "backbone": backbone,
        "views": views,
        "overrides": tuple(set),
        "device": device,
        "precision": precision,
        "deterministic": deterministic,
        "checkpoint_seconds": checkpoint_seconds,
    }
    if target is not None:
        meaningless = {
            "labels_per_class": labels_per_class,
            "budget": budget,
            "strict": strict or None,
            "draws": None if draws == DRAWS else draws,
        }
        return _compare_domains(data, target, target_labels, reading, out, restart, meaningless, **asked)
    if target_labels is not None:
        raise InputError("--target-labels are those of a target: name it with --target, or give --labels.")
    settings = CompareSettings(
        labels_per_class=labels_per_class.split(",") if labels_per_class else None,  # type: ignore[arg-type]
        draws=draws,
        split_seed=reading.get("split_seed", 0),
        budget=budget,
        download=reading.get("download", False),
        strict=strict,
        **asked,
    )
    settings.check_names()
    loaded = read(data, **reading)
    note_judging(loaded)
    found = run_comparison(
        loaded,
        settings,
        out or default_out(loaded, "compare"),
        explicit=out is not None,
        restart=restart,
        command=command_line(),
    )
    keep_skipped(Path(found.report).parent, loaded)
    return found


def _compare_domains(
    source: Source,
    target: Source,
    target_labels: Path | None,
    reading: Reading,
    out: Path | None,
    restart: bool,
    meaningless: Mapping[str, object],
    **asked: Any,
) -> Comparison:
    """`compare SOURCE --target TARGET`."""
    from headstart.comparison.domains import DomainSettings, compare_domains
    from headstart.transfer import pair

    refuse(
        meaningless,
        "{} says nothing with --target: all labels of the source are learned, for as many passes as --epochs says.",
    )
    settings = DomainSettings(**asked)
    shared: dict[str, Any] = {name: value for name, value in reading.items() if name in FOR_BOTH}
    with of_one_kind(source, target):
        here = read(source, **reading)
        there = read(target, labels=target_labels, **shared)
    made = pair(here, there)
    for text in made.notes:
        note(text)
    found = compare_domains(
        made,
        settings,
        out or default_out(f"{here.name}-{there.name}", "compare"),
        explicit=out is not None,
        restart=restart,
        command=command_line(),
    )
    keep_skipped(Path(found.report).parent, here, there)
    return found


def _seeds(several: str | None, one: int | None) -> tuple[int, ...]:
    """`--seeds 0,1,2`, or `--seed S` for short."""
    if several is not None and one is not None:
        raise InputError("--seed and --seeds both name the seeds: leave one of them out.")
    if several is None:
        return (one or 0,)
    words = [word.strip() for word in several.split(",")]
    if not all(word.isdecimal() for word in words):
        raise InputError(f"--seeds {several}: give whole numbers with commas between them, such as 0,1,2.")
    return tuple(int(word) for word in words)
