"""Decoded pictures kept for the next command: a file for each set and size, outside the data's folder.

An entry holds the pixels of all pictures that could be read, first, so that they can be mapped into memory; then a
digest and a key for each of them; then a JSON object; then that object's length and `MAGIC`. It is written aside and
renamed, so it is whole or absent, and is recognised by each file's place, size and time of the last change. An entry
that nothing has used for 90 days goes, and so does one of an earlier state of the same folder after a day.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from headstart import atomic, terminal
from headstart.data.arrays import Array
from headstart.data.files import ImageFile, Stamp
from headstart.errors import RunError
from headstart.lock import FileLock

FORMAT = 3
"""Counts up whenever decoding, comparing or the layout of an entry changes: older ones are then not found any more."""

MAGIC = b"headstrt"
TAIL = struct.Struct("<Q8s")
DIGEST_SIZE = 16
ENDING = ".pixels"

DAY = 24 * 3600.0
UNUSED = 90 * DAY
SUPERSEDED = DAY
"""Seconds without use after which an entry goes: any, and one of an earlier state of the same folder."""

SPARE = 64e6
"""Bytes of a disk that are left alone."""

WAIT = 0.2
"""Seconds between looks at a lock that another run holds."""


def folder() -> Path:
    """Where entries lie: `$HEADSTART_CACHE`, else below the user's folder for such things."""
    named = os.environ.get("HEADSTART_CACHE")
    if named:
        return Path(named).expanduser().absolute() / "pictures"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "headstart" / "pictures"


@dataclass(frozen=True)
class Kept:
    """What an entry holds of its n pictures."""

    pixels: Array
    """uint8 n×C×H×W, mapped into memory; what is written there stays in this process."""
    digests: list[bytes]
    keys: list[bytes]
    facts: dict[str, Any]
    """Whatever the writer adds, as JSON."""


@dataclass(frozen=True)
class Entry:
    """The place of some files' pictures, decoded in one way."""

    path: Path
    keys: tuple[bytes, ...]
    """For each file 16 bytes that change with its place, size or time."""

    @classmethod
    def of(cls, files: Sequence[ImageFile], stamps: Sequence[Stamp | None], way: Sequence[object]) -> Self:
        """The entry of these files; `way` is all that their pixels depend on beside them."""
        places = [file.place for file in files]
        keys = tuple(_digest(place, stamp) for place, stamp in zip(places, stamps, strict=True))
        above = os.path.commonprefix(places).rpartition(os.sep)[0]  # noqa: RUF071 - the last name is cut off
        source = _digest(FORMAT, above, *way).hex()
        state = blake2b(b"".join(keys), digest_size=DIGEST_SIZE).hexdigest()
        return cls(folder() / f"{source}-{state}{ENDING}", keys)

    def read(self) -> Kept | None:
        """What is kept, marked as used now; None where nothing is, or nothing whole."""
        kept = read(self.path)
        if kept is not None:
            with suppress(OSError):
                os.utime(self.path)
        return kept

    def earlier(self) -> Kept | None:
        """The newest entry of the same folder in another state, to take over what hasn't changed."""
        others = sorted(self._others(), key=_last_use)
        return read(others[-1]) if others else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds this entry's lock, waiting where another run decodes the same pictures."""
        lock = FileLock(self.path.with_suffix(".lock"))
        said = False
        while not lock.take():
            if not said:
                terminal.note("Another run is decoding the same pictures; waiting for it.")
                said = True
            time.sleep(WAIT)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def room(self, needed: int) -> Iterator[None]:
        """Makes the folder and looks for `needed` bytes there; a disk that fills up inside is explained.

        Raises `RunError` that names the place, the size and the ways out.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep()
            if shutil.disk_usage(self.path.parent).free < needed + SPARE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            why = "the disk is full" if full else f"it can't be written ({error.strerror or error})"
            raise RunError(
                f"{self.path.parent}: {why}; the decoded pictures need {terminal.size(needed)} there.\n"
                "Make room, name another folder with HEADSTART_CACHE, or go on without a cache with --no-cache."
            ) from error

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A file to write the entry to; it takes its place once the block ends well."""
        # The name is this process's own: where a file system has no locks, two runs may be here at once.
        with atomic.aside(self.path, mark=secrets.token_hex(4)) as path:
            yield path

    def _others(self) -> list[Path]:
        source = self.path.name.partition("-")[0]
        return [path for path in self.path.parent.glob(f"{source}-*{ENDING}") if path != self.path]

    def _sweep(self) -> None:
        """Removes entries that nothing uses any more, and what killed runs left."""
        now = time.time()
        gone = [path for path in self._others() if now - _last_use(path) > SUPERSEDED]
        gone += [path for path in self.path.parent.glob(f"*{ENDING}") if now - _last_use(path) > UNUSED]
        gone += [path for path in self.path.parent.glob(f".*{ENDING}.*.part") if now - _last_use(path) > DAY]
        for path in {*gone}:
            with suppress(OSError):  # in use on Windows, or removed by another run
                path.unlink()
                path.with_suffix(".lock").unlink()


def read(path: Path) -> Kept | None:
    """The content of a whole entry, or None."""
    try:
        with path.open("rb") as file:
            file.seek(-TAIL.size, os.SEEK_END)
            length, magic = TAIL.unpack(file.read())
            if magic != MAGIC:
                return None
            file.seek(-TAIL.size - length, os.SEEK_END)
            facts = json.loads(file.read(length))
            shape = tuple(facts.pop("shape"))
            file.seek(prod(shape))
            digests, keys = (_parts(file.read(DIGEST_SIZE * shape[0])) for _ in range(2))
        return Kept(mapped(path, shape), digests, keys, facts)
    except (OSError, ValueError, KeyError, struct.error):
        return None


def mapped(path: Path, shape: tuple[int, ...]) -> Array:
    """uint8 of this shape: the first bytes of a file, read when they are needed; changes stay in this process."""
    if not prod(shape):
        return np.empty(shape, dtype=np.uint8)  # nothing can't be mapped
    return np.memmap(path, dtype=np.uint8, mode="c", shape=shape)


def finish(
    file: BinaryIO, shape: tuple[int, ...], digests: Sequence[bytes], keys: Sequence[bytes], facts: dict[str, Any]
) -> None:
    """Writes what follows the pixels."""
    content = json.dumps({"shape": shape, **facts}).encode()
    file.write(b"".join(digests) + b"".join(keys) + content + TAIL.pack(len(content), MAGIC))


def _parts(joined: bytes) -> list[bytes]:
    return [joined[start : start + DIGEST_SIZE] for start in range(0, len(joined), DIGEST_SIZE)]


def _digest(*values: object) -> bytes:
    text = "\0".join(map(str, values)).encode("utf-8", "surrogateescape")
    return blake2b(text, digest_size=DIGEST_SIZE).digest()


def _last_use(path: Path) -> float:
    """Seconds since 1970; now for a file that has just gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
