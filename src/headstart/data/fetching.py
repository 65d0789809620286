"""Public data sets, read where torchvision puts them, and fetched only on request."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path, PurePath
from typing import Any

from headstart import terminal
from headstart.data import labels
from headstart.data.arrays import as_array, to_pixels
from headstart.data.files import ImageFile
from headstart.data.listing import Listing, read_listing
from headstart.data.naming import printable
from headstart.data.public import SETS, public_folder
from headstart.data.raw import Raw, numbered
from headstart.data.sizing import Preferred
from headstart.errors import InputError, RunError


def read_public(name: str, size: int | Preferred | None, *, allow_skips: bool, download: bool, cache: bool) -> Raw:
    """A set of torchvision's by its name here, with its official parts; `cache` lets its decoded files be kept.

    Raises `InputError` where it is not there and may not be fetched, `RunError` where fetching fails.
    """
    sources = _opened(name, fetch=False)
    if sources is None:
        _require_permission(name, download=download)
        sources = _opened(name, fetch=True)
        assert sources is not None
    parts = [part for part, _ in SETS[name].parts]
    if hasattr(sources[0], "data"):
        return _arrays(name, sources, parts)
    return read_listing(_listed(name, sources, parts), size, allow_skips=allow_skips, cache=cache)


def _opened(name: str, *, fetch: bool) -> list[Any] | None:
    """The torchvision data set of each part, None where they are not there whole and are not to be fetched."""
    from torchvision import datasets

    known, root = SETS[name], public_folder()
    kind = getattr(datasets, known.kind)
    try:
        with redirect_stdout(sys.stderr):  # where torchvision reports its progress
            return [kind(root, download=fetch, **arguments) for _, arguments in known.parts]
    except (RuntimeError, OSError) as error:
        if not fetch:
            return None
        raise RunError(
            f"{name} can't be downloaded ({_reason(error)}).\nWithout a network, {_by_hand(name)}"
        ) from error


def _reason(error: Exception) -> str:
    """What torchvision says, on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _require_permission(name: str, *, download: bool) -> None:
    """Raises `InputError` unless the user asked for the download or agrees to it now."""
    known, root = SETS[name], public_folder()
    what = f"about {known.size} from {known.site}, licence: {known.licence}"
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"{name} is not in {root}; fetch it before with one process: headstart look {name} --download")
    if download or terminal.agreed(f"{name} is not in {root}. Download it ({what})?"):
        return
    beside = f" The folder of that name here is ./{name}." if Path(name).exists() else ""
    raise InputError(
        f"{name} is not in {root}: --download fetches it ({what}).{beside}\nWithout a network, {_by_hand(name)}"
    )


def _by_hand(name: str) -> str:
    files = " and ".join(SETS[name].files)
    return f"put {files} of its official form into {public_folder()} (HEADSTART_DATA names another folder)."


def _arrays(name: str, sources: Sequence[Any], parts: Sequence[str]) -> Raw:
    """Sets that torchvision holds in memory."""
    arrays = [as_array(source.data, name) for source in sources]
    if name == "emnist":
        arrays = [array.transpose(0, 2, 1) for array in arrays]  # its files hold the letters on their side
    answers = [as_array(source.targets if hasattr(source, "targets") else source.labels, name) for source in sources]
    counts = [len(array) for array in arrays]
    items, notes = to_pixels(arrays, [name] * len(arrays))
    numbers, classes = labels.from_parts(answers, counts, name)
    names = _class_names(sources[0])
    return Raw(
        name=name,
        items=items,
        labels=numbers,
        classes=tuple(names[int(one)] for one in classes) if names else classes,
        ids=numbered(len(items)),
        parts=tuple(part for part, count in zip(parts, counts, strict=True) for _ in range(count)),
        notes=tuple(notes),
    )


def _class_names(source: Any) -> list[str]:
    """What a set calls its classes: "0 - zero" is 0, and of synonyms the first is taken."""
    names = getattr(source, "classes", None) or []
    return [(one if isinstance(one, str) else one[0]).partition(" - ")[0] for one in names]


def _listed(name: str, sources: Sequence[Any], parts: Sequence[str]) -> Listing:
    """Sets that torchvision reads file by file."""
    root = public_folder()
    found = [
        (Path(path), label, part) for source, part in zip(sources, parts, strict=True) for path, label in _pairs(source)
    ]
    names = _class_names(sources[0])
    return Listing(
        name=name,
        where=name,
        files=[ImageFile(_id(path, root), path) for path, _, _ in found],
        labels=[names[label] if names else str(label) for _, label, _ in found],
        parts=None if "all" in parts else [part for _, _, part in found],
    )


def _id(path: PurePath, root: Path) -> str:
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)


def _pairs(source: Any) -> list[tuple[Any, int]]:
    """The files and labels of a torchvision data set, which keeps them under one of a few names."""
    for held in ("samples", "_samples"):
        if hasattr(source, held):
            return list(getattr(source, held))
    files = source._image_files if hasattr(source, "_image_files") else source._images
    return list(zip(files, source._labels, strict=True))
