"""Files that are whole or absent: written aside, flushed to the disk, renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(path: Path, *, mark: str = "") -> Iterator[Path]:
    """A path to write to; once the block ends well, the file there replaces `path` in one move.

    Drafts of one file share a name, so that one that a killed process left is overwritten; where several processes may
    write the file at once, each gives a `mark` of its own.

    After an error `path` is as it was before and nothing is left beside it. Whatever writes there, the file gets the
    rights of any new file of this user.
    """
    draft = path.with_name(f".{path.name}.{mark}.part" if mark else f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch()
        rights = draft.stat().st_mode
        yield draft
        draft.chmod(rights)
        flush(draft)
        draft.replace(path)
        flush_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in one move."""
    with aside(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes a JSON object in one move; numbers that are not finite are an error."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def flush(path: Path) -> None:
    """Waits until a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Waits until a folder's names are on the disk, where the system can say so."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
