"""Decoded pictures in the user's cache: found again, never half there, never stale."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.data import Preferred, cache, decoding, load
from headstart.data.files import ImageFile
from headstart.errors import RunError
from headstart.lock import FileLock

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of a cache of this test's own, which takes sets of any size."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decoding, "KEPT_FROM", 0)
    return tmp_path / "cache" / "pictures"


@pytest.fixture
def photos(tmp_path, write):
    """Forty JPEG files of differing sizes in two classes."""
    for number in range(40):
        write(f"photos/{'ab'[number % 2]}/{number}.jpg", (60 + number, 50))
    return tmp_path / "photos"


@pytest.fixture
def decodings(monkeypatch):
    """The names of the files decoded so far."""
    names = []
    plain = decoding.decode

    def counted(file, *settings):
        names.append(file.path.name)
        return plain(file, *settings)

    monkeypatch.setattr(decoding, "decode", counted)
    return names


def entries(folder):
    return sorted(folder.glob("*.pixels")) if folder.exists() else []


def same(one, other):
    assert torch.equal(one.items, other.items)
    for fact in ("ids", "labels", "fingerprint", "duplicates", "near_duplicates", "skipped", "notes", "split"):
        assert np.array_equal(getattr(one, fact), getattr(other, fact)), fact


def test_what_comes_from_the_cache_is_what_was_decoded(photos, kept, decodings, capsys):
    (photos / "a/broken.jpg").write_bytes(b"no picture")
    shutil.copy(photos / "a/0.jpg", photos / "a/0 copy.jpg")
    plain = load(photos, cache=False)
    assert not kept.exists()
    first = load(photos)
    assert f"41 images are kept decoded at 48×48 in {kept}" in capsys.readouterr().err
    decodings.clear()
    again = load(photos)
    assert decodings == []
    assert capsys.readouterr().err == ""
    same(first, plain)
    same(again, plain)
    assert (len(again), len(again.skipped), len(again.duplicates)) == (41, 1, 1)
    assert len(entries(kept)) == 1
    assert not list(kept.glob(".*.part"))


def test_small_sets_are_not_kept(photos, kept, monkeypatch):
    monkeypatch.setattr(decoding, "KEPT_FROM", 32_000_000)
    load(photos)
    assert not kept.exists()


def test_writing_to_the_items_never_reaches_the_disk(photos, kept):
    first = load(photos).items
    before = first.clone()
    first.zero_()
    assert torch.equal(load(photos).items, before)


@pytest.mark.parametrize("change", ["touched", "added", "removed", "rewritten"])
def test_a_change_is_seen_and_only_what_changed_is_decoded_anew(change, photos, kept, decodings, write):
    before = load(photos)
    decodings.clear()
    if change == "touched":
        os.utime(photos / "a/2.jpg", ns=(1, 1))
    elif change == "added":
        write("photos/a/new.jpg", (70, 50))
    elif change == "removed":
        (photos / "a/2.jpg").unlink()
    else:
        Image.new("RGB", (70, 50), "red").save(photos / "a/2.jpg")
    after = load(photos)
    assert decodings == {"added": ["new.jpg"], "removed": []}.get(change, ["2.jpg"])
    assert (after.fingerprint == before.fingerprint) == (change == "touched")
    same(after, load(photos, cache=False))
    assert len(entries(kept)) == 2


def test_another_size_or_filter_is_another_entry(photos, kept):
    data = load(photos, size=32)
    load(photos, size=40)
    data.at(32, "bicubic")
    assert len(entries(kept)) == 3


def test_at_gives_the_same_items_at_another_size_from_the_cache(photos, kept, decodings):
    data = load(photos, size=32)
    larger = data.at(48)
    assert (larger.shape, larger.ids, larger.split) == ((3, 48, 48), data.ids, data.split)
    decodings.clear()
    assert torch.equal(data.at(48).items, larger.items)
    assert decodings == []
    assert torch.equal(larger.items, load(photos, size=48, cache=False).items)
    assert data.at(32) is data
    assert larger.at(48) is larger


def test_grey_pictures_at_another_size_are_those_that_are_read_at_it(photos, kept):
    for path in photos.rglob("*.jpg"):
        Image.open(path).convert("L").save(path)
    data = load(photos, size=32).at(48)
    assert torch.equal(load(photos, size=48).items, data.items)
    assert len(entries(kept)) == 2


@pytest.mark.parametrize(("shown", "side"), [(40, 48), (90, 80)])
def test_what_was_read_for_an_encoder_is_found_again_by_who_reads_it_for_another(photos, kept, decodings, shown, side):
    """Pictures of 80 rows: brought to 48 for an encoder that sees 40, left whole for one that sees 90."""
    for path in photos.rglob("*.jpg"):
        Image.effect_noise((120, 80), 60).convert("RGB").save(path)
    data = load(photos, preferred=Preferred(48, shown, "bicubic"))
    assert (data.shape, data.resampling) == ((3, side, side), "bicubic")
    assert len(decodings) == 40
    again = load(photos, size=32).at(side, "bicubic")
    assert torch.equal(again.items, data.items)
    assert len(decodings) == 80, "once for the encoder, once at 32 pixels"
    assert load(photos, size=24, preferred=Preferred(48, shown, "bicubic")).shape == (3, 24, 24)


def test_at_goes_without_a_cache_where_the_set_did(photos, kept):
    load(photos, size=32, cache=False).at(48)
    assert not kept.exists()


def test_bicubic_is_pillows_bicubic(tmp_path, write):
    path = write("one/a.png", (90, 90))
    data = load(tmp_path / "one", size=32)
    wanted = np.asarray(Image.open(path).resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.abs(data.at(32, "bicubic").items[0].numpy() - wanted.astype(int)).max() <= 1
    assert not torch.equal(data.items, data.at(32, "bicubic").items)


def test_at_keeps_the_number_of_channels(tmp_path, write):
    write("grey/a.png", (40, 40), "L")
    data = load(tmp_path / "grey")
    coloured = replace(data, items=data.items.expand(-1, 3, -1, -1))
    assert coloured.at(24).shape == (3, 24, 24)
    assert torch.equal(coloured.at(24).items, data.at(24).items.expand(-1, 3, -1, -1))


def test_at_gives_the_one_channel_that_colours_were_brought_to(tmp_path, write):
    write("colour/a.png", (40, 40))
    data = load(tmp_path / "colour")
    grey = replace(data, items=data.items[:, :1])
    wanted = np.asarray(Image.fromarray(data.at(24).items[0].permute(1, 2, 0).numpy()).convert("L"))
    assert np.abs(grey.at(24).items[0, 0].numpy() - wanted.astype(int)).max() <= 1


def test_at_says_that_a_file_is_gone(photos, kept):
    data = load(photos)
    (photos / "b/1.jpg").unlink()
    with pytest.raises(RunError, match=r"b/1\.jpg changed while it was in use: a link to a file that is gone"):
        data.at(24)


@pytest.mark.parametrize("damage", [b"", b"x" * 50, None])
def test_a_damaged_entry_is_written_anew(damage, photos, kept):
    data = load(photos, cache=False)
    load(photos)
    (entry,) = entries(kept)
    whole = entry.read_bytes()
    entry.unlink()  # it may still be mapped
    entry.write_bytes(whole[:-9] if damage is None else damage)
    same(load(photos), data)
    assert entry.read_bytes() == whole


def test_a_full_disk_is_said_before_decoding(photos, kept, decodings, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 1000))
    with pytest.raises(RunError) as caught:
        load(photos)
    message = str(caught.value)
    assert f"{kept}: the disk is full; the decoded pictures need 277.8 kB there." in message
    assert "--no-cache" in message
    assert "HEADSTART_CACHE" in message
    assert decodings == []
    assert not entries(kept)
    assert len(load(photos, cache=False)) == 40


def test_a_disk_that_fills_up_leaves_nothing_half_written(photos, kept, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "finish", full)
    with pytest.raises(RunError, match=r"the disk is full.*\n.*--no-cache"):
        load(photos)
    assert [path.suffix for path in kept.iterdir()] == [".lock"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_named(photos, kept):
    kept.mkdir(parents=True)
    kept.chmod(0o500)
    with pytest.raises(RunError, match=r"it can't be written \(Permission denied\)"):
        load(photos)


def test_a_cache_whose_place_is_a_file_is_named(photos, kept):
    kept.parent.write_bytes(b"")
    with pytest.raises(RunError, match=r"it can't be written .*\n.*--no-cache"):
        load(photos)


@pytest.mark.parametrize("size", [None, 24])
def test_files_that_change_while_they_are_read(photos, kept, monkeypatch, size):
    plain = decoding.decode

    def meanwhile(file, *settings):
        if file.path.name == "7.jpg":
            (photos / "a/4.jpg").write_bytes(b"half of it")
            (photos / "b/9.jpg").unlink(missing_ok=True)
        return plain(file, *settings)

    monkeypatch.setattr(decoding, "decode", meanwhile)
    with pytest.raises(RunError, match=r"a/4\.jpg and 1 more changed while being read"):
        load(photos, size=size)
    assert not entries(kept)
    assert not list(kept.glob(".*.part"))


def test_a_file_that_changes_is_seen_without_a_cache_too(photos, monkeypatch):
    plain = decoding.decode

    def meanwhile(file, *settings):
        os.utime(photos / "a/0.jpg", ns=(5, 5))
        return plain(file, *settings)

    monkeypatch.setattr(decoding, "decode", meanwhile)
    with pytest.raises(RunError, match=r"a/0\.jpg changed while being read"):
        load(photos, cache=False)


def test_unused_entries_go(photos, kept):
    load(photos)
    (first,) = entries(kept)
    load(photos, size=24)
    (other,) = set(entries(kept)) - {first}
    day = 24 * 3600
    now = time.time()
    os.utime(first, (now, now - 2 * day))
    os.utime(other, (now, now - 89 * day))
    stale = kept / ".x.pixels.abcd.part"
    stale.write_bytes(b"")
    os.utime(stale, (now, now - 2 * day))
    os.utime(photos / "a/0.jpg", ns=(1, 1))
    load(photos)
    assert first not in entries(kept), "an earlier state of the folder goes after a day"
    assert other in entries(kept)
    assert not stale.exists()
    os.utime(other, (now, now - 91 * day))
    load(photos, size=28)
    assert other not in entries(kept)


def test_reading_counts_as_use(photos, kept):
    load(photos)
    (entry,) = entries(kept)
    os.utime(entry, (1, 1))
    load(photos)
    assert time.time() - entry.stat().st_mtime < 60


BUILD = """
import sys, time
from pathlib import Path
from headstart.data import decoding, load
decoding.KEPT_FROM = 0
plain = decoding.decode
def slow(file, *settings):
    time.sleep(0.02)
    print("decoded", file=sys.stdout)
    return plain(file, *settings)
decoding.decode = slow
print("ready", flush=True)
sys.stdin.readline()
print(load(Path(sys.argv[1])).fingerprint)
"""


def builders(photos, count):
    made = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, photos],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for one in made:
        assert one.stdout.readline() == "ready\n"
    return made


def test_two_processes_that_build_at_once_decode_once(photos, kept):
    ends = [one.communicate("go\n", timeout=120) for one in go_together(builders(photos, 2))]
    assert [out.splitlines()[-1] for out, _ in ends] == [load(photos, cache=False).fingerprint] * 2
    assert sum(out.count("decoded") for out, _ in ends) == 40
    assert sum("Another run is decoding the same pictures" in err for _, err in ends) == 1
    assert len(entries(kept)) == 1


def go_together(made):
    for one in made:
        one.stdin.write("go\n")
        one.stdin.flush()
    return made


def test_two_processes_without_locks_write_equal_entries(photos, kept, monkeypatch):
    monkeypatch.setattr(FileLock, "take", lambda _: True)
    files = [ImageFile(path.name, path) for path in sorted(photos.rglob("*.jpg"))]
    wanted = decoding.decode_all(files, 24)
    whole = entries(kept)[0].read_bytes()
    inner = decoding._write

    def both(*given):
        monkeypatch.setattr(decoding, "_write", inner)
        decoding.decode_all(files, 24)  # another run comes, and is done, while this one writes
        inner(*given)

    entries(kept)[0].unlink()
    monkeypatch.setattr(decoding, "_write", both)
    assert torch.equal(decoding.decode_all(files, 24).items, wanted.items)
    assert [path.read_bytes() for path in entries(kept)] == [whole]
    assert not list(kept.glob(".*.part"))


def test_a_killed_builder_leaves_nothing_in_the_way(photos, kept):
    (one,) = go_together(builders(photos, 1))
    deadline = time.monotonic() + 60
    while not list(kept.glob(".*.part")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert one.poll() is None, "it must be killed while it writes"
    one.kill()
    one.communicate()
    assert not entries(kept)
    assert len(load(photos)) == 40
    assert len(entries(kept)) == 1


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert cache.folder() == tmp_path / "pictures"
    monkeypatch.delenv("HEADSTART_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, place in {
        "linux": "xdg/headstart",
        "darwin": "Library/Caches/headstart",
        "win32": "local/headstart",
    }.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert cache.folder() == tmp_path / place / "pictures"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == tmp_path / ".cache/headstart/pictures"
