"""Names as people read and sort them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath


def natural(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """A sorting key under which "2" comes before "10" and "b" before "C"."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [piece if place % 2 == 0 else _magnitude(piece) for place, piece in enumerate(pieces)], name


def in_order(names: Iterable[str]) -> list[str]:
    """Names sorted naturally."""
    return sorted(names, key=natural)


def _magnitude(digits: str) -> tuple[int, str]:
    """Orders decimal numbers of any length without converting them."""
    significant = digits.lstrip("0")
    return len(significant), significant


def printable(name: str | PurePath) -> str:
    """A path or name as text that can be printed and encoded: bytes that are not UTF-8 become `\\xe9`."""
    text = name if isinstance(name, str) else name.as_posix()
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
