"""What all verbs that read data do alike."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from headstart import atomic
from headstart.errors import InputError
from headstart.ownership import Owned
from headstart.reading import Reading as Reading
from headstart.settings import Range, check, flag
from headstart.terminal import is_first, note
from headstart.terminal import listed as listed
from headstart.training.settings import Precision as Precision
from headstart.training.settings import TrainSettings as TrainSettings

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones import Encoder
    from headstart.data import Dataset, Preferred

Source = Any
"""A path, a bundled name, a tensor or array, an (items, labels) pair, a torch data set, or a loaded `Dataset`."""

Part = Literal["train", "val", "test", "all"]
Seed = Annotated[int, Range(least=0)]

FOR_BOTH = ("size", "split_seed", "allow_skips", "download", "cache")
"""What is said of reading a source and holds for its target too; how labels are named is a matter of each."""

NO_FLAGS = {name: name for name in ("data", "run", "embeddings")}
"""Settings of a result that are no flags, as people call them."""


def read(
    source: Source, *, usual_size: int | None = None, preferred: Preferred | None = None, **reading: Unpack[Reading]
) -> Dataset:
    """The data of a verb, with everything said that its reading brought up.

    `usual_size` is the size where the user names none; files may have a `preferred` one instead. Raises `InputError`
    for settings that there are not.
    """
    from headstart.data import Dataset, load

    check(load, reading)
    if isinstance(source, Dataset):
        return load(source, **reading)
    if usual_size is not None and reading.get("size") is None:
        reading["size"] = usual_size
    data = load(source, preferred=preferred, **reading)
    for text in data.notes:
        note(text)
    if data.skipped:
        first = data.skipped[0]
        note(f"{len(data.skipped)} file{'s' if len(data.skipped) > 1 else ''} skipped: {first.path} ({first.reason}) …")
    return data


def read_for(encoder: Encoder, source: Source, **reading: Unpack[Reading]) -> Dataset:
    """The data of a verb at the size that suits an encoder.

    One that brings its own preprocessing has pictures decoded for it, once; `--size` is then the size that it sees.
    Raises `InputError` where it sees one size only.
    """
    from headstart.backbones import resized_encoder
    from headstart.evaluation import preferred_size

    if encoder.decode is None:
        return read(source, usual_size=encoder.shape[-1], **reading)
    size = reading.pop("size", None)
    if size is not None:
        resized_encoder(encoder, size, size)
    return read(source, preferred=preferred_size(encoder), **reading)


@contextmanager
def of_one_kind(source: Source, target: Source) -> Iterator[None]:
    """Around the reading of two sets: where that fails and they hold things of other kinds, `InputError` says so.

    Only then are their files looked at once more.
    """
    try:
        yield
    except InputError as error:
        from headstart.data import kind_of

        first, second = kind_of(source), kind_of(target)
        if None in (first, second) or first == second:
            raise
        raise InputError(
            f"The inputs are of other kinds, which is scenario 1: {first} in {source}, {second} in {target}.\n"
            "Nothing that is learned of one carries over to the other: give a source and a target of images."
        ) from error


def note_seen(description: dict[str, Any], data: Dataset, index: Tensor, what: str = "items are") -> None:
    """Says how many of the items at `index` an encoder (its encoder.json) learned from; nothing where it is none."""
    from headstart.transfer import overlapping

    seen = int(overlapping(description, data, index).sum())
    if seen:
        note(f"{seen} of the {len(index)} {what} among those the encoder learned from.")


def note_judging(data: Dataset) -> None:
    """Says, where a verb judges without a test part, how; nothing where there is one or nothing has a label."""
    if data.cross_validated:
        note("Judging is cross-validation over the labelled items.")


def check_named_encoder(name: str, backbone: str | None, setting: str = "ENCODER") -> None:
    """Raises `InputError` where `setting` names no encoder, or one that has an architecture and another is named."""
    from headstart.backbones import is_weights_file
    from headstart.training import check_encoder
    from headstart.training.encoders import is_run

    check_encoder(name, backbone, setting)
    if backbone is not None and (is_run(name) or not is_weights_file(name)):
        raise InputError(f"{setting} {name} has its own architecture: leave --backbone {backbone} out.")


def refuse(asked: Mapping[str, Any], why: str) -> None:
    """Raises `InputError` for the first setting that was given; its flag goes where `why` has {}."""
    for name, value in asked.items():
        if value is not None:
            raise InputError(why.format(flag(f"no_{name}" if value is False else name)))


def keep_skipped(folder: Path, *sets: Dataset) -> None:
    """Writes skipped.csv, on the first process, where files of any of the sets were skipped."""
    import csv
    import io

    skipped = [one for data in sets for one in data.skipped]
    if skipped and is_first():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["path", "reason"])
        writer.writerows((one.path, one.reason) for one in skipped)
        atomic.write_text(folder / "skipped.csv", text.getvalue())


def command_line() -> str | None:
    """The command that called a verb, as it can be given again; None from Python."""
    called = Path(sys.argv[0]).name
    if called not in ("headstart", "headstart.exe", "__main__.py"):
        return None
    return shlex.join(["headstart", *sys.argv[1:]])


def default_out(data: Dataset | str, what: str) -> Path:
    """`runs/<data>-<verb or method>`."""
    called = data if isinstance(data, str) else data.name
    name = re.sub(r"[^\w.-]+", "_", called).strip("._") or "data"
    short = re.sub(r"[^\w.-]+", "_", what.rpartition(":")[2])
    return Path("runs") / f"{name}-{short}"


def result_folder(verb: str, data: Dataset | str, out: Path | None, settings: Mapping[str, Any]) -> Path:
    """The folder of what a verb makes of `data`: that of the same result made before, else a new one.

    Args:
        data: What `runs/<data>-<verb>` is named after; a data set is a setting too.
        out: The folder that the user named, None where none was: then one of another result is left alone, and said so.
        settings: All that decides the result besides, as JSON values, defaults filled in.

    Raises:
        InputError: The folder that was named holds something else, or can't be made.
    """
    from headstart.data import Dataset

    if isinstance(data, Dataset):
        settings = {"data": data.fingerprint, **settings}
    results = Owned(f"result of {verb}", f"{verb}-settings.json", names=NO_FLAGS)
    wanted = default_out(data, verb) if out is None else Path(out).expanduser()
    folder, held = results.claim(wanted, settings, explicit=out is not None)
    try:
        atomic.write_json(folder / results.record, {"settings": settings})
    finally:
        held.release()
    return folder


def check_writable(path: Path) -> Path:
    """The absolute path of a file about to be written; raises `InputError` where it can't be."""
    path = path.expanduser().absolute()
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file with -o.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = path.parent / f".{path.name}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{path} can't be written ({error.strerror}): name another file with -o.") from error
    return path
