"""Columns from file names: `{label}_{speaker}_{n}.jpg`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from headstart.data.raw import Raw
from headstart.errors import InputError

FLAG = "--label-from"


@dataclass(frozen=True)
class Piece:
    """One name or folder of a pattern: text, field, text, field, …, text; "" is a field that makes no column."""

    texts: tuple[str, ...]
    fields: tuple[str, ...]

    def match(self, name: str) -> dict[str, str] | None:
        """The fields of a name, None where it doesn't fit. Each field is as short as can be and not empty."""
        if not self.fields:
            return {} if name == self.texts[0] else None
        if not name.startswith(self.texts[0]):
            return None
        found, start = {}, len(self.texts[0])
        for field, text in zip(self.fields[:-1], self.texts[1:-1], strict=True):
            stop = name.find(text, start + 1)
            if stop < 0:
                return None
            found[field], start = name[start:stop], stop + len(text)
        stop = len(name) - len(self.texts[-1])
        if stop <= start or not name.endswith(self.texts[-1]):
            return None
        found[self.fields[-1]] = name[start:stop]
        return {field: value for field, value in found.items() if field}


@dataclass(frozen=True)
class Pattern:
    """What file names look like, with the folders above them where the pattern has slashes."""

    text: str
    pieces: tuple[Piece, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns it makes."""
        return tuple(field for piece in self.pieces for field in piece.fields if field)

    def match(self, one: str) -> dict[str, str] | None:
        """The fields of an id, None where it doesn't fit; the ending may be left out of the pattern.

        A pattern that ends in text with a dot is held against the whole name first, others against that without its
        ending.
        """
        path = PurePosixPath(one)
        names = path.parts[-len(self.pieces) :]
        if len(names) < len(self.pieces):
            return None
        ways = (path.name, path.stem) if "." in self.pieces[-1].texts[-1] else (path.stem, path.name)
        found = (self._fields((*names[:-1], own)) for own in ways)
        return next((fields for fields in found if fields is not None), None)

    def _fields(self, names: Sequence[str]) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for piece, name in zip(self.pieces, names, strict=True):
            fields = piece.match(name)
            if fields is None:
                return None
            found |= fields
        return found


def parse(text: str) -> Pattern:
    """A pattern from its text. Raises `InputError` where it makes no columns or can't be read."""
    pattern = Pattern(text, tuple(_piece(text, piece) for piece in text.split("/") if piece))
    if not pattern.fields:
        raise InputError(f"{FLAG} {text}: it names no column; write it like '{{label}}_{{n}}.jpg'.")
    if len(set(pattern.fields)) < len(pattern.fields):
        raise InputError(f"{FLAG} {text}: it names a column twice.")
    return pattern


def _piece(whole: str, text: str) -> Piece:
    """Splits `{a}_{b}.jpg` into texts "", "_", ".jpg" and fields a, b."""
    parts = re.split(r"\{([^{}]*)\}", text)
    texts, fields = tuple(parts[::2]), tuple(field.strip() for field in parts[1::2])
    if any("{" in part or "}" in part for part in texts):
        raise InputError(f"{FLAG} {whole}: a brace has no partner.")
    if not all(texts[1:-1]):
        raise InputError(f"{FLAG} {whole}: two columns stand side by side, and nothing tells where one ends.")
    for field in fields:
        if field and not field.isidentifier():
            raise InputError(f"{FLAG} {whole}: {{{field}}} is no name of a column; use letters, digits and _.")
    return Piece(texts, fields)


def with_columns(raw: Raw, text: str) -> tuple[Raw, Pattern]:
    """`raw` with the columns that a pattern makes of its ids; an id that doesn't fit has none of them."""
    pattern = parse(text)
    found = [pattern.match(one) for one in raw.ids]
    odd = [one for one, fields in zip(raw.ids, found, strict=True) if fields is None]
    if len(odd) == len(raw.ids):
        raise InputError(f"{FLAG} {text}: no item of {raw.name} fits; they are called like {raw.ids[0]}")
    columns = {name: _values(found, name) for name in pattern.fields}
    notes = [f"{len(odd)} of {len(raw.ids)} items don't fit {FLAG} {text} (first {odd[0]})."] if odd else []
    return raw.with_columns(columns, notes), pattern


def _values(found: Sequence[dict[str, str] | None], name: str) -> list[str | None]:
    return [None if fields is None else fields[name] for fields in found]
