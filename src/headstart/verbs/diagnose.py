"""`headstart diagnose`: which kinds of shift lie between two sets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from headstart.settings import flag
from headstart.terminal import note
from headstart.verbs.common import Reading, Seed, Source, of_one_kind, read, read_for

if TYPE_CHECKING:
    from headstart.data import Dataset
    from headstart.transfer import Side

WIDTH = 100


@dataclass(frozen=True)
class Diagnosis:
    """What differs between a source and a target, and what to do about it."""

    shifts: list[dict[str, Any]]
    """kind, scenario, found (null: it can't be told), why, evidence and p_value, corrected for all that was tested."""
    advice: str
    items: dict[str, int]
    """Of the source and of the target: all of them were used."""

    def __str__(self) -> str:
        from textwrap import fill

        words = {True: "FOUND", False: "no", None: "?"}
        lines = [f"{self.items['source']} items of the source, {self.items['target']} of the target"]
        for shift in self.shifts:
            chance = f" p = {shift['p_value']:.3f}." if shift["p_value"] is not None else ""
            head = f"{shift['kind']:13}{shift['scenario']}  {words[shift['found']]:6} "
            lines.append(fill(f"{head}{shift['why']}{chance}", WIDTH, subsequent_indent=" " * len(head)))
        *sentences, command = self.advice.splitlines()
        return "\n".join([*lines, "", *(fill(text, WIDTH) for text in sentences), command])


def diagnose(
    source: Source,
    target: Source,
    *,
    encoder: str | Path | None = None,
    target_labels: Path | None = None,
    seed: Seed = 0,
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Diagnosis:
    """Say what differs between two sets: inputs, pictures, classes, class shares, or what the labels mean.

    All items of both are used, and the target's labels where it has any. At most one diagnosis in fifty finds a shift
    where there is none, over all kinds together.

    Example: headstart diagnose rendered/ real/

    Args:
        source: Where the labels are: a folder of images, an .npz, .npy or IDX file, or a bundled set.
        target: Where answers are wanted.
        encoder: What describes the pictures: a run folder, or an encoder by name; default an untrained network.
        target_labels: As `--labels`, for the target.
        seed: Of the folds and of the random assignments that p-values are counted from.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from dataclasses import asdict

    from headstart.training import open_encoder
    from headstart.training.machine import choose_device
    from headstart.transfer import advise, check_shape, find_shifts

    where = choose_device(device)
    network = None if encoder is None else open_encoder(encoder, download=reading.get("download", False))[0]
    beyond: Reading = {**reading, "labels": target_labels}
    with of_one_kind(source, target):
        first = read(source, **reading) if network is None else read_for(network, source, **reading)
        second = read(target, **beyond) if network is None else read_for(network, target, **beyond)
    if network is not None:
        check_shape(network, first)
    _say_common(first, second)
    shifts = find_shifts(first, second, encoder=network, device=where, seed=seed)
    advice = advise(
        shifts,
        _side(source, first, reading),
        _side(target, second, beyond),
        both=_flags({**reading, "target_labels": target_labels}),
        encoder=None if encoder is None else shlex.quote(str(encoder)),
    )
    return Diagnosis([asdict(shift) for shift in shifts], advice, {"source": len(first), "target": len(second)})


def _side(source: Source, data: Dataset, reading: Reading) -> Side:
    """A set as a command names and reads it."""
    from headstart.transfer import Side

    name = os.fsdecode(source) if isinstance(source, str | bytes | os.PathLike) else data.name
    return Side(shlex.quote(name), _flags(reading), classes=len({*data.labels.tolist()} - {-1}))


def _flags(reading: Mapping[str, object]) -> str:
    """How data are read as a command says it, each flag after a blank; what is in memory is named in capitals."""
    words = []
    for name, value in reading.items():
        if isinstance(value, bool):
            words += ["--no-cache"] if name == "cache" and not value else [flag(name)] if value else []
        elif value is not None:
            words += [flag(name), str(value) if isinstance(value, str | int | os.PathLike) else name.upper()]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _say_common(source: Dataset, target: Dataset) -> None:
    """Says how many items lie in both sets, which makes them look more alike than they are."""
    if source.shape != target.shape:
        return
    from headstart.data import item_digests

    seen = set(item_digests(source.items))
    common = sum(digest in seen for digest in item_digests(target.items))
    if common:
        note(f"{common} of the {len(target)} target items are in the source too, pixel by pixel.")
