"""Image files with what is known about each: how folders, archives and tables hand over their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headstart.data import labels
from headstart.data.dataset import Skipped
from headstart.data.decoding import decode_all
from headstart.data.files import ImageFile
from headstart.data.pictures import short_side
from headstart.data.raw import Raw
from headstart.data.sizing import Preferred, Resampling
from headstart.data.skipping import refuse_too_many


@dataclass(frozen=True)
class Listing:
    """The pictures of one source, in order, before any is decoded."""

    name: str
    where: str
    """The source, for messages."""
    files: Sequence[ImageFile]
    labels: Sequence[str | None]
    parts: Sequence[str] | None = None
    """"train", "val" or "test" a file, or None where the source has no parts."""
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    """What else is known of each file, by name."""
    notes: Sequence[str] = ()


def read_listing(listing: Listing, size: int | Preferred | None, *, allow_skips: bool, cache: bool) -> Raw:
    """Every picture at one size. Raises `InputError` where too many are unreadable."""
    side, resampling = _settled(size, listing.files)
    decoded = decode_all(listing.files, side, resampling=resampling, keep=cache)
    kept = list(decoded.places)
    skipped = tuple(Skipped(listing.files[place].place, reason) for place, reason in sorted(decoded.failures.items()))
    names = [listing.labels[place] for place in kept]
    emptied = {name for name in listing.labels if name} - {name for name in names if name}
    said = refuse_too_many(listing.where, skipped, len(listing.files), emptied, allowed=allow_skips)
    numbers, classes = labels.from_names(names)
    files = tuple(listing.files[place] for place in kept)
    return Raw(
        name=listing.name,
        items=decoded.items,
        labels=numbers,
        classes=classes,
        ids=tuple(file.id for file in files),
        parts=None if listing.parts is None else tuple(listing.parts[place] for place in kept),
        files=files,
        columns={name: [values[place] for place in kept] for name, values in listing.columns.items()},
        notes=(*listing.notes, *said, *decoded.notes),
        skipped=skipped,
        identity=decoded.identity,
        resampling=resampling,
    )


def _settled(size: int | Preferred | None, files: Sequence[ImageFile]) -> tuple[int | None, Resampling]:
    """The size of these files and how they are brought to it; None is the usual one."""
    if not isinstance(size, Preferred):
        return size, "bilinear"
    native = short_side(files)
    return None if native is None else size.side(native), size.resampling
