"""What a reader hands over before the parts are settled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from headstart.data.dataset import Skipped
from headstart.data.files import ImageFile
from headstart.data.identity import Identity
from headstart.data.sizing import Resampling
from headstart.errors import InputError
from headstart.terminal import listed


@dataclass(frozen=True)
class Raw:
    """Pictures and labels as one source holds them."""

    name: str
    items: Tensor
    """uint8 N×C×H×W."""
    labels: Tensor
    """int64 N, -1 where there is none."""
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    parts: tuple[str, ...] | None = None
    """The source's own parts, "train", "val" or "test" an item, or None where it has none."""
    files: tuple[ImageFile, ...] | None = None
    """Where the pictures lie, for those that were read from files."""
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """What else is known of each item, by name: a table's columns, the parts of file names."""
    groups: Sequence[Hashable | None] | None = None
    """Items of one group stay on one side of a drawn split; None belongs to none."""
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    identity: Identity | None = None
    """Which pictures are the same, where reading found out."""
    resampling: Resampling = "bilinear"
    """How files were brought to this size."""

    def with_columns(self, columns: Mapping[str, Sequence[str | None]], notes: Sequence[str] = ()) -> Raw:
        """The same with more columns, which take the place of others of their names."""
        return replace(self, columns={**self.columns, **columns}, notes=(*self.notes, *notes))

    def column(self, name: str, flag: str) -> Sequence[str | None]:
        """The values of a column. Raises `InputError` naming the flag where there is none of that name."""
        if name in self.columns:
            return self.columns[name]
        known = f"it has {listed(list(self.columns), 20)}" if self.columns else "it has none; --label-from makes some"
        raise InputError(f"{flag} {name}: {self.name} has no such column; {known}.")


def numbered(count: int) -> tuple[str, ...]:
    """The ids of items that have no names: "0", "1", …"""
    return tuple(map(str, range(count)))
