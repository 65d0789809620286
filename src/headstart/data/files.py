"""Encoded pictures where they lie: what every door that leads to image files hands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class ImageFile:
    """A picture that has not been decoded yet."""

    id: str
    """Printable and relative to its source, with forward slashes."""
    path: Path

    @property
    def place(self) -> str:
        """Where it lies, in full, for messages."""
        return str(self.path.absolute())

    def open(self) -> BinaryIO:
        """The encoded bytes, to be read as far as they are needed."""
        return self.path.open("rb")

    def stamp(self) -> tuple[int, int]:
        """Size in bytes and time of the last change in ns: what a cache of its pixels is recognised by."""
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns
