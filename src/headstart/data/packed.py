"""What is inside a .zip, .tar or .tar.gz, member by member, without unpacking files by their names.

A zip is read where it lies. A tar is read by offset; a gzipped one is unpacked once, into a temporary file without a
name that is gone with the process.
"""

from __future__ import annotations

import errno
import gzip
import io
import mmap
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from headstart import terminal
from headstart.data.files import Member
from headstart.data.naming import printable
from headstart.errors import InputError, RunError

TIMES = 100
"""An archive may unpack to so many times its own size …"""

ALWAYS = 10**9
"""… or to so many bytes, whatever its size."""

CHUNK = 1 << 20
WINDOW = 1 << 16
"""Bytes fetched at once from a member: a header fits, and small pictures fit whole."""

ENCRYPTED = 0x1
"""The bit of a zip member's flags that says so (APPNOTE 4.4.4)."""


@dataclass(frozen=True)
class ZipMember:
    """A file of a zip; zipfile holds a lock while it reads, so threads may share it."""

    name: str
    size: int
    info: zipfile.ZipInfo = field(compare=False, repr=False)
    archive: zipfile.ZipFile = field(compare=False, repr=False)

    def open(self) -> BinaryIO:
        """The inflated bytes; never more than the zip's directory says."""
        stream = cast("io.RawIOBase", self.archive.open(self.info))
        return io.BufferedReader(stream, min(self.size, WINDOW) + 1)


@dataclass(frozen=True)
class TarMember:
    """A stretch of a tar, which is mapped into memory: any number of threads may read it."""

    name: str
    size: int
    offset: int
    whole: mmap.mmap = field(compare=False, repr=False)

    def open(self) -> BinaryIO:
        """The bytes of the stretch."""
        if self.size <= WINDOW:
            return io.BytesIO(self.whole[self.offset : self.offset + self.size])
        return io.BufferedReader(_Stretch(self.whole, self.offset, self.size), WINDOW)


class _Stretch(io.RawIOBase):
    """A part of a mapped file as a file of its own."""

    def __init__(self, whole: mmap.mmap, offset: int, size: int) -> None:
        self.view, self.at = memoryview(whole)[offset : offset + size], 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: len(self.view)}[whence]
        self.at = max(base + offset, 0)
        return self.at

    def readinto(self, buffer: Any) -> int:
        piece = self.view[self.at : self.at + len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def members(path: Path) -> tuple[Sequence[Member], int]:
    """The files of an archive in its own order, and how many links, devices and the like it has besides.

    Raises `InputError` for an archive that is damaged, encrypted, or may be a bomb.
    """
    with _explained(path):
        return (_zip_members(path), 0) if path.suffix.lower() == ".zip" else _tar_members(path)


def _zip_members(path: Path) -> list[Member]:
    # The file is handed over open: zipfile counts who reads a file of its own, and two threads can miscount.
    archive = zipfile.ZipFile(path.open("rb"))
    files = [info for info in archive.infolist() if not info.is_dir()]
    locked = [info for info in files if info.flag_bits & ENCRYPTED]
    if locked:
        raise InputError(
            f"{printable(path)}: {len(locked)} of its files are encrypted (first {printable(locked[0].filename)}). "
            "Unpack it with its password and give the folder."
        )
    _refuse_bomb(path, sum(info.file_size for info in files))
    return [ZipMember(printable(info.filename), info.file_size, info, archive) for info in files]


def _tar_members(path: Path) -> tuple[list[Member], int]:
    file = path.open("rb") if path.suffix.lower() == ".tar" else _unpacked(path)
    with file, tarfile.open(fileobj=file, mode="r:") as archive:
        listed = archive.getmembers()
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes a damaged header for the end
            raise tarfile.ReadError(f"a header is damaged after {len(listed)} files")
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    files = [info for info in listed if info.isreg() and not info.issparse()]
    others = sum(not info.isdir() for info in listed) - len(files)
    return [TarMember(printable(info.name), info.size, info.offset_data, whole) for info in files], others


def _unpacked(path: Path) -> BinaryIO:
    """The tar inside a gzipped one, in a temporary file without a name."""
    size = path.stat().st_size
    target = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 (it is the result)
    with path.open("rb") as raw, gzip.open(raw) as source, terminal.progress("Unpacking", size, "bytes") as meter:
        began = meter.began
        while chunk := source.read(CHUNK):
            _refuse_bomb(path, target.tell() + len(chunk))
            target.write(chunk)
            meter.update(raw.tell(), raw.tell() / max(time.monotonic() - began, 1e-9))
    target.seek(0)
    return target


def _refuse_bomb(path: Path, unpacked: int) -> None:
    if unpacked > max(ALWAYS, TIMES * path.stat().st_size):
        raise InputError(
            f"{printable(path)}: it unpacks to {terminal.size(unpacked)} or more, over {TIMES} times its size: "
            "it may be a decompression bomb.\nIf you trust it, unpack it and give the folder."
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What is said of archives that cannot be read, in words for the user."""
    try:
        yield
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise InputError(_damaged(path, error)) from error
        if error.errno == errno.ENOSPC:
            where = tempfile.gettempdir()
            raise RunError(
                f"{printable(path)}: there is no room to unpack it in {where}. Make room, or set TMPDIR to a folder "
                "on a larger disk."
            ) from error
        raise InputError(f"{printable(path)}: it cannot be read ({error.strerror or error}).") from error
    except (EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, ValueError) as error:
        raise InputError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    why = str(error) or type(error).__name__
    return f"{printable(path)}: the archive is truncated, damaged or of another kind ({why}). Get it again."
