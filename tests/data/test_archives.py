from __future__ import annotations

import errno
import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.data import load, packed
from headstart.errors import InputError, RunError

KINDS = ("set.zip", "set.tar", "set.tar.gz", "set.tgz")


def picture(number: int, kind: str = "PNG", side: int = 12) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def packed_as(path: Path, content: dict[str, bytes]) -> Path:
    """An archive of these files, of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def numbered(*folders: str, each: int = 4) -> dict[str, bytes]:
    names = [f"{folder}/{number}.png".lstrip("/") for folder in folders for number in range(each)]
    return {name: picture(place) for place, name in enumerate(names)}


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_gives_what_the_folder_inside_gives(tmp_path, name):
    content = numbered("class 10", "class 9", each=12)
    for inside, data in content.items():
        path = tmp_path / "folder" / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    from_folder, from_archive = load(tmp_path / "folder"), load(packed_as(tmp_path / name, content))
    assert from_archive.name == "set"
    assert from_archive.ids == from_folder.ids
    assert from_archive.classes == from_folder.classes == ("class 9", "class 10")
    assert from_archive.split == from_folder.split
    assert torch.equal(from_archive.items, from_folder.items)
    assert from_archive.fingerprint == from_folder.fingerprint


@pytest.mark.parametrize("name", KINDS)
def test_large_members_are_read_piece_by_piece(tmp_path, name):
    content = {f"{number}.bmp": picture(number, "BMP", 200) for number in range(2)}
    assert len(content["0.bmp"]) > packed.WINDOW
    data = load(packed_as(tmp_path / name, content), size=200)
    for item, encoded in zip(data.items, content.values(), strict=True):
        assert np.array_equal(item.permute(1, 2, 0).numpy(), np.asarray(Image.open(io.BytesIO(encoded))))


@pytest.mark.parametrize("name", KINDS)
def test_a_file_in_an_archive_says_where_it_lies(tmp_path, name):
    path = packed_as(tmp_path / name, {"photos/ants/1.png": picture(0), "photos/bees/1.png": picture(1)})
    file = load(path).files[1]
    assert (file.id, file.place) == ("bees/1.png", f"{path}::photos/bees/1.png")
    assert file.open().read() == picture(1)
    assert file.stamp() == (len(picture(1)), path.stat().st_mtime_ns)


@pytest.mark.parametrize("name", KINDS)
def test_folders_are_passed_over_that_hold_everything_and_hidden_files(tmp_path, name):
    content = numbered("./my photos/v2/train/a", "./my photos/v2/val/a")
    content |= {"__MACOSX/my photos/._1.png": b"x", "my photos/.DS_Store": b"x", "my photos/v2/train/.hidden.png": b"x"}
    data = load(packed_as(tmp_path / name, content))
    assert data.classes == ("a",)
    assert Counter(data.split) == {"train": 4, "test": 4}
    assert data.ids[0] == "train/a/0.png"
    assert data.skipped == ()


@pytest.mark.parametrize("name", KINDS)
def test_one_folder_inside_is_named_with_two_colons(tmp_path, name):
    path = packed_as(tmp_path / name, numbered("all/photo/a", "all/photo/b", "all/sketch/a"))
    for folder in ("photo", "all/photo", "photo/"):
        data = load(f"{path}::{folder}")
        assert data.classes == ("a", "b")
        assert data.name == "set-photo"
        assert data.ids[0] == "a/0.png"
    with pytest.raises(InputError, match=r"set\..*::foto: there is no such folder in it; it has photo, sketch\."):
        load(f"{path}::foto")


def test_backslashes_are_slashes_in_a_zip_and_names_that_are_not_utf8_stay_whole_in_a_tar(tmp_path):
    assert load(packed_as(tmp_path / "set.zip", numbered("a\\b", "c\\d"))).classes == ("a", "c")
    data = load(packed_as(tmp_path / "set.tar", numbered(os.fsdecode(b"caf\xe9"), "tea")))
    assert data.classes == (r"caf\xe9", "tea")
    assert data.ids[0] == r"caf\xe9/0.png"


def test_two_colons_are_for_archives_only(tmp_path, write):
    write("a/b/1.png")
    with pytest.raises(InputError, match=rf"only archives have parts that are named with ::; give {tmp_path}/a/b"):
        load(f"{tmp_path}/a::b")
    with pytest.raises(InputError, match=r"nowhere\.zip::b: there is no such file"):
        load("nowhere.zip::b")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("bad", ["../up.png", "a/../../up.png", "/etc/up.png", "C:\\up.png", "a\\..\\up.png"])
def test_names_that_lead_out_are_refused(tmp_path, name, bad):
    path = packed_as(tmp_path / name, numbered("a") | {bad: picture(0)})
    with pytest.raises(InputError, match="leads out of the archive") as caught:
        load(path)
    assert repr(bad) in str(caught.value)


def test_links_and_devices_in_a_tar_are_ignored_and_counted(tmp_path):
    path = tmp_path / "set.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in numbered("", each=3).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind in (("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE), ("d.png", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    data = load(path)
    assert len(data) == 3
    assert any("3 links, devices and the like" in note for note in data.notes)


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz"])
def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path, name, monkeypatch):
    path = packed_as(tmp_path / name, {"zeros.bmp": bytes(3_000_000)})
    monkeypatch.setattr(packed, "ALWAYS", 1_000_000)
    with pytest.raises(InputError, match=r"over 100 times its size: it may be a decompression bomb"):
        load(path)


def test_a_member_gives_no_more_than_the_directory_promises(tmp_path):
    path = packed_as(tmp_path / "set.zip", numbered("a", each=30) | {"a/z.bmp": picture(0, "BMP", 400)})
    content = bytearray(path.read_bytes())
    size = len(picture(0, "BMP", 400))
    at = content.rindex(struct.pack("<I", size))
    content[at : at + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    data = load(path, size=12)
    assert len(data) == 30
    assert data.skipped[0].path.endswith("set.zip::a/z.bmp")
    member = next(one for one in packed.members(path)[0] if one.name == "a/z.bmp")
    with member.open() as stream, pytest.raises(zipfile.BadZipFile, match="CRC"):
        assert len(stream.read(10**6)) <= 1000


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.7])
def test_truncated_archives_are_named(tmp_path, name, share):
    path = packed_as(tmp_path / name, numbered("a", each=40))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content)) // 512 * 512 + (100 if share else 0)])
    with pytest.raises(InputError, match=r"set\.\w.*: the archive is truncated, damaged"):
        load(path)


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    path = packed_as(tmp_path / "set.tar", numbered("a", each=4))
    content = bytearray(path.read_bytes())
    at = content.index(b"a/2.png")
    content[at + 3] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"truncated, damaged .*a header is damaged after 2 files"):
        load(path)


def test_a_damaged_gzip_is_named(tmp_path):
    path = packed_as(tmp_path / "set.tar.gz", numbered("a"))
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"set\.tar\.gz: the archive is truncated, damaged"):
        load(path)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = packed_as(tmp_path / "set.zip", numbered("a"))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"1 of its files are encrypted \(first a/0\.png\)"):
        load(path)


@pytest.mark.parametrize("name", KINDS)
def test_an_archive_without_images_says_what_it_holds(tmp_path, name):
    with pytest.raises(InputError, match=r"holds no images .* only other files \(2 \.wav\)"):
        load(packed_as(tmp_path / name, {"a/1.wav": b"x", "a/2.wav": b"x"}))
    with pytest.raises(InputError, match="it is empty"):
        load(packed_as(tmp_path / name, {"__MACOSX/1.png": b"x"}))


def test_a_full_disk_while_unpacking_says_where_room_is_needed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = packed_as(tmp_path / "set.tar.gz", numbered("a"))
    monkeypatch.setattr(packed.tempfile, "TemporaryFile", full)
    with pytest.raises(RunError, match=r"set\.tar\.gz: there is no room to unpack it in .*TMPDIR"):
        load(path)


def test_nothing_is_written_beside_the_archive(tmp_path, monkeypatch):
    path = packed_as(tmp_path / "in" / "set.tar.gz", numbered("a")) if (tmp_path / "in").mkdir() is None else None
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(packed.tempfile, "tempdir", str(tmp_path / "temporary"))
    data = load(path)
    assert [one.name for one in (tmp_path / "in").iterdir()] == ["set.tar.gz"]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert torch.equal(data.at(24).items, load(path, size=24).items)


def test_an_archive_of_gzip_without_a_tar_inside(tmp_path):
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(b"no tar" * 200))
    with pytest.raises(InputError, match=r"set\.tar\.gz: the archive is truncated, damaged or of another kind"):
        load(tmp_path / "set.tar.gz")
