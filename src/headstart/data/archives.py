"""An archive of images, read in place: the rules of folders hold inside.

`photos.tar.gz::ants` names a folder inside. A folder that everything lies in is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from headstart.data.files import ImageFile, Member
from headstart.data.folders import arranged, is_hidden
from headstart.data.listing import Listing
from headstart.data.naming import natural, printable
from headstart.data.packed import members
from headstart.errors import InputError

ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")

Content = dict[PurePosixPath, Member]
"""The files of an archive by their path inside, in natural order."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive by its name."""
    return path.name.lower().endswith(ENDINGS)


def list_archive(path: Path, folder: str | None = None) -> Listing:
    """Every image in an archive, or in one folder of it, with its class and part.

    Raises `InputError` for archives that can't be read or trusted, and where there are no images.
    """
    packed, others = members(path)
    _refuse_escapes(path, packed)
    content = _content(packed, windows=path.suffix.lower() == ".zip")
    where = printable(path) if folder is None else f"{printable(path)}::{folder}"
    shown = unwrapped(content) if folder is None else _inside(content, folder, path)
    found, notes = arranged(list(shown), where, lambda one: ImageFile(printable(one), path, shown[one]))
    if others:
        notes.append(f"{others} links, devices and the like in {printable(path)} were ignored.")
    return Listing(
        name=_stem(path) if folder is None else f"{_stem(path)}-{PurePosixPath(folder).name}",
        where=where,
        files=[one.file for one in found],
        labels=[one.label for one in found],
        parts=[str(one.part) for one in found] if found[0].part else None,
        notes=notes,
    )


def _stem(path: Path) -> str:
    ending = next(ending for ending in ENDINGS if path.name.lower().endswith(ending))
    return printable(path.name[: -len(ending)])


def _refuse_escapes(path: Path, packed: Sequence[Member]) -> None:
    """Nothing is written by name, but an archive that tries to climb out is not to be trusted."""
    for member in packed:
        name = _slashed(member.name)
        if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
            raise InputError(
                f"{printable(path)}: the name {member.name!r} in it leads out of the archive, which honest ones don't. "
                "If you trust it, unpack it and give the folder."
            )


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def _content(packed: Iterable[Member], *, windows: bool) -> Content:
    """What is not hidden; of two files of one name the later, as tar has it.

    Backslashes are slashes where Windows may have made the archive; in a tar they are part of a name.
    """
    key = cache(natural)
    named = {PurePosixPath(_slashed(member.name) if windows else member.name): member for member in packed}
    shown = [one for one in named if not any(map(is_hidden, one.parts))]
    return {one: named[one] for one in sorted(shown, key=lambda one: [key(part) for part in one.parts])}


def unwrapped(content: Mapping[PurePosixPath, Member]) -> Content:
    """The content without the folders that everything lies in."""
    paths = list(content)
    deep = 0
    while paths and len({path.parts[: deep + 1] for path in paths}) == 1 and len(paths[0].parts) > deep + 1:
        deep += 1
    return {PurePosixPath(*path.parts[deep:]): content[path] for path in paths} if deep else dict(content)


def _inside(content: Content, folder: str, path: Path) -> Content:
    """What lies in a folder, named from the top or from within the folders that everything lies in."""
    wanted = PurePosixPath(_slashed(folder)).parts
    for view in (content, unwrapped(content)):
        found = {
            PurePosixPath(*one.parts[len(wanted) :]): member
            for one, member in view.items()
            if one.parts[: len(wanted)] == wanted and len(one.parts) > len(wanted)
        }
        if found:
            return found
    tops = sorted({one.parts[0] for one in unwrapped(content) if len(one.parts) > 1}, key=natural)
    more = f" and {len(tops) - 10} more" if len(tops) > 10 else ""
    raise InputError(
        f"{printable(path)}::{folder}: there is no such folder in it; it has {', '.join(tops[:10]) or 'none'}{more}."
    )
