from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional as V

from headstart.data import load
from headstart.errors import InputError


def fill(write, *folders, each=4):
    for folder in folders:
        for number in range(each):
            write(f"{folder}/{number}.png")


def test_flat(write, tmp_path):
    for name in ("10.png", "9.png", "b.PNG", "A.png"):
        write(name)
    data = load(tmp_path)
    assert data.ids == ("9.png", "10.png", "A.png", "b.PNG")
    assert data.paths == tuple(tmp_path / one for one in data.ids)
    assert data.classes == ()
    assert data.labels.tolist() == [-1] * 4
    assert data.name == tmp_path.name


def test_one_folder_a_class_in_natural_order(write, tmp_path):
    fill(write, "class 10", "class 9", "Class 1")
    data = load(str(tmp_path))
    assert data.classes == ("Class 1", "class 9", "class 10")
    assert data.counts(data.indices("all")) == (4, 4, 4)
    for one, label in zip(data.ids, data.label_names(data.indices("all")), strict=True):
        assert one.split("/")[0] == label


def test_every_pixel_belongs_to_its_id(write, tmp_path):
    fill(write, "a", "b")
    data = load(tmp_path)
    for item, path in zip(data.items, data.paths, strict=True):
        assert np.array_equal(item.permute(1, 2, 0).numpy(), np.asarray(Image.open(path)))


@pytest.mark.parametrize(
    ("folders", "expected", "said"),
    [
        (("train", "test"), {"train", "test"}, False),
        (("Train", "Validation"), {"train", "test"}, True),
        (("train", "valid", "test"), {"train", "val", "test"}, False),
        (("training", "val"), {"train", "test"}, True),
    ],
)
def test_official_parts(write, tmp_path, folders, expected, said):
    fill(write, *[f"{part}/{name}/deeper" for part in folders for name in ("ants", "bees")])
    data = load(tmp_path)
    assert data.classes == ("ants", "bees")
    assert Counter(data.split) == dict.fromkeys(expected, 8)
    assert any("validation part is used as the test part" in note for note in data.notes) == said
    assert len(data.indices("train")) == len(data) - 8
    assert all(one.startswith(folders[-1]) for one in np.array(data.ids)[data.indices("test").numpy()])


def test_parts_without_classes(write, tmp_path):
    fill(write, "train", "test")
    data = load(tmp_path)
    assert data.classes == ()
    assert Counter(data.split) == {"train": 4, "test": 4}


def test_a_lone_train_folder_is_no_official_split(write, tmp_path):
    fill(write, "train/a", "train/b")
    data = load(tmp_path)
    assert data.classes == ("a", "b")
    assert Counter(data.split) == {"train": 8}
    assert data.cross_validated


def test_train_among_other_vehicles_is_a_class(write, tmp_path):
    fill(write, "train", "plane")
    assert load(tmp_path).classes == ("plane", "train")


def test_images_beside_the_parts_are_left_out_and_said_so(write, tmp_path):
    fill(write, "train/a", "test/a", "unsorted")
    write("cover.png")
    data = load(tmp_path)
    assert len(data) == 8
    assert any("5 images lie beside the folders test/, train/" in note for note in data.notes)


def test_what_is_no_image_is_ignored(write, tmp_path):
    fill(write, "a", "__MACOSX/a", ".cache")
    write("a/.hidden.png")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    data = load(tmp_path)
    assert len(data) == 4
    assert data.skipped == ()


@pytest.mark.parametrize("name", ["two words", "it's", 'q"uote', "🐝 bees", "<b>bold</b>"[:7], "naïve", "semi;colon"])
def test_names_stay_intact(write, tmp_path, name):
    write(f"{name}/{name}.png")
    data = load(tmp_path)
    assert data.classes == (name,)
    assert data.ids == (f"{name}/{name}.png",)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8_can_be_printed(write, tmp_path):
    fill(write, "good", each=30)
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    Image.new("L", (20, 20)).save(folder / os.fsdecode(b"\xff.png"))
    (folder / os.fsdecode(b"\xfe.png")).write_bytes(b"")
    data = load(tmp_path)
    assert data.classes == (r"caf\xe9", "good")
    assert r"caf\xe9/\xff.png" in data.ids
    for text in (*data.ids, *data.notes, data.skipped[0].path, *(file.place for file in data.files)):
        text.encode()
    assert all(path.exists() for path in data.paths)


def test_links_in_a_circle_end_and_broken_links_are_named(write, tmp_path):
    fill(write, "a", each=30)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    data = load(tmp_path)
    assert len(data) == 30
    assert data.skipped[0].reason == "a link to a file that is gone"
    (tmp_path / "a" / "gone.png").unlink()
    (tmp_path / "a" / "self.png").symlink_to(tmp_path / "a" / "self.png")
    (skipped,) = load(tmp_path).skipped
    assert skipped.reason == f"it can't be read ({os.strerror(errno.ELOOP)})"


def test_small_pictures_of_one_size_are_kept(write, tmp_path):
    write("a.png", (96, 40))
    assert load(tmp_path).shape == (3, 40, 96)
    assert not any("resized" in note for note in load(tmp_path).notes)


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(300, 200), (120, 400), (64, 64)], 96),
        ([(50, 70), (61, 90), (45, 45)], 48),
        ([(97, 97)], 96),
        ([(9, 12), (10, 10)], 16),
    ],
)
def test_the_working_size(write, tmp_path, sizes, side):
    for number, size in enumerate(sizes):
        write(f"{number}.png", size)
    data = load(tmp_path)
    assert data.shape == (3, side, side)
    assert any(f"the middle {side}×{side}" in note for note in data.notes)


@pytest.mark.parametrize("size", [(180, 120), (120, 240)])
def test_resizing_agrees_with_torchvision(tmp_path, size):
    rows, columns = np.mgrid[: size[1], : size[0]]
    picture = (128 + 100 * np.sin(rows / 9) * np.cos(columns / 13)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    ours = load(tmp_path, size=32).items[0].float()
    theirs = V.center_crop(V.resize(torch.from_numpy(picture)[None], 32, antialias=True), [32, 32]).float()
    assert (ours - theirs).abs().mean() < 2


def test_a_jpeg_decoded_small_looks_like_one_decoded_whole(tmp_path):
    rows, columns = np.mgrid[:480, :640]
    picture = np.stack([rows * 255 // 480, columns * 255 // 640, (rows + columns) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.jpg", quality=95)
    small = load(tmp_path, size=64).items
    (tmp_path / "b.png").write_bytes(b"")
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "b.png").unlink()
    assert (small.float() - load(tmp_path, size=64).items.float())[:, :2].abs().mean() < 2


def test_a_size_is_used_for_pictures_of_any_size(write, tmp_path):
    fill(write, "a")
    assert load(tmp_path, size=24).shape == (3, 24, 24)


def test_more_than_one_in_twenty_stops_the_run(write, tmp_path):
    fill(write, "a", each=18)
    (tmp_path / "a" / "x.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1 of 19 images cannot be read \(first .*x\.png: not an image.*") as caught:
        load(tmp_path)
    assert "--allow-skips" in str(caught.value)
    assert len(load(tmp_path, allow_skips=True)) == 18
    write("a/enough.png")
    assert len(load(tmp_path)) == 19


def test_an_emptied_class_stops_the_run(write, tmp_path):
    fill(write, "a", each=40)
    write("b/x.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no image of the class b can be read"):
        load(tmp_path)
    assert load(tmp_path, allow_skips=True).classes == ("a",)


def test_nothing_readable_stops_even_with_allow_skips(write, tmp_path):
    write("x.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of its 1 images can be read .*the file is empty"):
        load(tmp_path, allow_skips=True)


def test_missing_empty_and_imageless_folders(write, tmp_path):
    with pytest.raises(InputError, match=r"nowhere: there is no such file or folder\. Bundled data: digits"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="it is empty"):
        load(tmp_path)
    (tmp_path / "a.heic").write_bytes(b"x")
    (tmp_path / "b.heic").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no images that can be read, only other files \(2 \.heic\)"):
        load(tmp_path)


def test_files_that_are_no_set(write, tmp_path):
    with pytest.raises(InputError, match="a single image; give the folder"):
        load(write("a.png"))
    (tmp_path / "a.doc").write_bytes(b"x")
    with pytest.raises(InputError, match="this kind of file is not known"):
        load(tmp_path / "a.doc")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_locked_folder_is_named(write, tmp_path):
    fill(write, "a", "locked")
    (tmp_path / "locked").chmod(0)
    with pytest.raises(InputError, match="locked: the folder cannot be read"):
        load(tmp_path)


def test_too_little_memory_is_said_before_decoding(write, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise MemoryError

    write("a.png")
    monkeypatch.setattr(np, "empty", refuse)
    with pytest.raises(InputError, match=r"1 images of 20×20 pixels need 1\.2 kB of memory.*--size"):
        load(tmp_path)


@pytest.mark.parametrize("setting", [{"size": 2}, {"size": 4000}, {"split_seed": -1}])
def test_settings_out_of_range_are_refused_before_anything_is_read(setting):
    with pytest.raises(InputError, match="out of range"):
        load("nowhere", **setting)
