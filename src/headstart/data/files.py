"""Encoded pictures where they lie: what every door that leads to image files hands on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from headstart.data.naming import printable

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in ns."""


class Member(Protocol):
    """A file inside an archive, read without unpacking the others; several threads may do so at once."""

    @property
    def name(self) -> str:
        """The printable path inside the archive."""

    @property
    def size(self) -> int:
        """Bytes, unpacked."""

    def open(self) -> BinaryIO:
        """The unpacked bytes, to be read as far as they are needed."""


@dataclass(frozen=True)
class ImageFile:
    """A picture that has not been decoded yet."""

    id: str
    """Printable and relative to its source, with forward slashes."""
    path: Path
    """The file, or the archive that holds it."""
    member: Member | None = None
    """Which file of the archive, where it is in one."""

    @property
    def place(self) -> str:
        """Where it lies, in full and printable, for messages and tables: `/photos/1.jpg`, `/photos.zip::ants/1.jpg`."""
        outer = printable(os.path.normpath(self.path.absolute()))
        return outer if self.member is None else f"{outer}::{self.member.name}"

    def open(self) -> BinaryIO:
        """The encoded bytes, to be read as far as they are needed."""
        return self.path.open("rb") if self.member is None else self.member.open()

    def stamp(self) -> Stamp:
        """Size in bytes and time of the last change in ns: what a cache of its pixels is recognised by."""
        found = self.path.stat()
        return found.st_size if self.member is None else self.member.size, found.st_mtime_ns
