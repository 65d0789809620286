"""Near-duplicates: copies that were re-encoded, cropped or brightened are found, and nothing else is."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from headstart.data import load, resemblance
from headstart.data.identity import item_digests
from headstart.data.resemblance import near_groups

SHARED = Path(__file__).parents[3] / "shared" / "data"
SIZE = (200, 150)


def scene(seed: int) -> Image.Image:
    """Soft blobs of many sizes and colours: as much at coarse as at fine scales, like photographs."""
    random = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(random.integers(0, 256, (n, n + 1, 3), dtype=np.uint8)).resize(
                SIZE, Image.Resampling.BICUBIC
            ),
            dtype=np.float64,
        )
        / n**0.5
        for n in (3, 6, 12, 25, 50)
    ]
    mixed = sum(layers)
    return Image.fromarray((255 * (mixed - mixed.min()) / (mixed.max() - mixed.min())).astype(np.uint8))


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((3, 2, image.width - 1, image.height - 1))


COPIES = {
    "quality": lambda image: (image, 40),
    "size": lambda image: (image.resize((image.width * 3 // 5, image.height * 3 // 5), Image.Resampling.BICUBIC), 85),
    "crop": lambda image: (cropped(image), 90),
    "brighter": lambda image: (ImageEnhance.Brightness(image).enhance(1.12), 90),
    "darker": lambda image: (ImageEnhance.Brightness(image).enhance(0.8), 90),
    "contrast": lambda image: (ImageEnhance.Contrast(image).enhance(1.15), 90),
}


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("size", [32, 96])
def test_a_copy_is_found_among_other_pictures(kind, size, tmp_path):
    for number in range(30):
        scene(number).save(tmp_path / f"{number:02}.jpg", quality=92)
    for number in range(0, 30, 5):
        image, quality = COPIES[kind](scene(number))
        image.save(tmp_path / f"{number:02}-copy.jpg", quality=quality)
    data = load(tmp_path, size=size)
    assert data.duplicates == ()
    found = {frozenset(group) for group in data.near_duplicates}
    assert found == {frozenset((f"{number:02}.jpg", f"{number:02}-copy.jpg")) for number in range(0, 30, 5)}


def test_different_pictures_are_not_alike(tmp_path):
    for number in range(200):
        scene(number).save(tmp_path / f"{number}.jpg")
    assert load(tmp_path).near_duplicates == ()


def test_equal_items_come_with_their_near_ones():
    items = pictures(6)
    items[4] = items[1]
    items[5] = (items[1].float() * 0.9).byte()
    items[3] = items[0]
    groups = near_groups(items, item_digests(items))
    assert groups == ((1, 4, 5),), "0 and 3 are equal, and nothing is nearly so"


def test_groups_are_joined_through_others():
    items = pictures(8)
    for place, factor in {2: 0.95, 5: 0.9, 7: 0.85}.items():
        items[place] = (items[0].float() * factor).byte()
    assert near_groups(items, item_digests(items)) == ((0, 2, 5, 7),)


def test_pictures_without_detail_are_not_alike():
    levels = torch.arange(0, 200, 10).view(-1, 1, 1, 1)
    items = (levels + torch.arange(3).view(1, 3, 1, 1) * 20).expand(-1, -1, 64, 64).byte()
    assert near_groups(items, item_digests(items)) == ()


def test_small_pictures_without_colour_are_never_compared():
    grey = pictures(4).float().mean(1, keepdim=True).byte()[..., ::3, ::3]
    items = torch.cat([grey, (grey.float() * 0.95).byte()])
    assert near_groups(items, item_digests(items)) == ()
    coloured = items.expand(-1, 3, -1, -1)
    assert near_groups(coloured, item_digests(coloured)) == (), "grey in three channels is still without colour"
    large = items.repeat_interleave(3, 2).repeat_interleave(3, 3)
    assert len(near_groups(large, item_digests(large))) == 4


def test_digits_have_no_false_alarms():
    assert load("digits").near_duplicates == ()


def test_all_pairs_within_eight_bits_are_found():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 60, dtype=np.int64)
    for place in range(0, 60, 2):
        flipped = random.choice(63, size=place % 11, replace=False)
        hashes[place + 1] = hashes[place] ^ np.bitwise_or.reduce(np.int64(1) << flipped, initial=0)
    wanted = [[a, b] for a, b in itertools.combinations(range(60), 2) if int(hashes[a] ^ hashes[b]).bit_count() <= 8]
    assert len(wanted) >= 24
    assert resemblance._close_pairs(hashes).tolist() == wanted


def test_sixty_thousand_hashes_take_seconds():
    hashes = np.random.default_rng(0).integers(0, 2**63, 60_000, dtype=np.int64)
    hashes[59_999] = hashes[17] ^ 0b1011
    began = time.perf_counter()
    pairs = resemblance._close_pairs(hashes).tolist()
    assert [17, 59_999] in pairs
    assert time.perf_counter() - began < 20  # 2 to 3 s on a quiet core


def test_many_that_are_all_alike_are_joined_by_few_comparisons(monkeypatch):
    """As the frames of two videos are: 400 make 79,800 pairs."""
    compared = []
    agree = resemblance._agree
    monkeypatch.setattr(resemblance, "_agree", lambda details, pairs: compared.extend(pairs) or agree(details, pairs))
    brightness = torch.linspace(0.6, 1, 400).view(-1, 1, 1, 1)
    frames = (pictures(2).float()[:, None] * brightness).byte().flatten(0, 1)
    assert near_groups(frames, item_digests(frames)) == (tuple(range(400)), tuple(range(400, 800)))
    assert len(compared) < 8000  # 4,416
    assert len(resemblance._close_pairs(np.zeros(5000, dtype=np.int64))) <= resemblance.ENOUGH * 5000


def test_no_picture_one_picture():
    assert near_groups(pictures(1), [b"a"]) == ()
    assert near_groups(pictures(1)[:0], []) == ()
    assert near_groups(pictures(1).expand(3, -1, -1, -1), [b"a"] * 3) == ()


def test_leaks_of_an_official_split_are_named(tmp_path):
    for number in range(8):
        part = "train" if number < 6 else "test"
        (tmp_path / part).mkdir(exist_ok=True)
        scene(number).save(tmp_path / part / f"{number}.jpg")
    scene(2).save(tmp_path / "test/copy.jpg", quality=50)
    data = load(tmp_path)
    assert data.near_leaks() == (("test/copy.jpg", "train/2.jpg"),)
    assert data.leaks() == ()
    wanted = "1 groups of nearly equal images lie on both sides of the split (for one test/copy.jpg, train/2.jpg)."
    assert wanted in data.notes


def test_a_drawn_split_keeps_them_together(tmp_path, drawn_from_few):
    for number in range(12):
        for copy in range(3):
            folder = tmp_path / "ab"[copy % 2]  # one class or the other
            folder.mkdir(exist_ok=True)
            scene(number).save(folder / f"{number}-{copy}.jpg", quality=90 - 15 * copy)
    for seed in range(5):
        data = load(tmp_path, split_seed=seed)
        assert len(data.near_duplicates) == 12
        assert data.near_leaks() == ()
        assert 6 <= data.split.count("test") <= 9


def pictures(count: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(scene(seed).resize((96, 96))) for seed in range(count)])).movedim(3, 1)


def shared(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not beside the repository (../shared/data)")
    return SHARED / name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fashion_mnist", "mnist", "usps/usps.npz"])
def test_glyphs_and_garments_have_no_false_alarms(name):
    assert load(shared(name)).near_duplicates == ()


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 224])
def test_hymenoptera_has_none(size):
    assert load(shared("hymenoptera"), size=size).near_duplicates == ()


@pytest.mark.slow
@pytest.mark.parametrize("kind", COPIES)
def test_copies_of_hymenoptera_are_found(kind, tmp_path):
    files = sorted(shared("hymenoptera").glob("val/*/*.jpg"))
    for number, path in enumerate(files):
        original = Image.open(path).convert("RGB")
        original.save(tmp_path / f"{number}.jpg", quality=95)
        image, quality = COPIES[kind](original)
        image.save(tmp_path / f"{number}-copy.jpg", quality=quality)
    data = load(tmp_path)
    groups = [{name.split(".")[0].split("-")[0] for name in group} for group in data.near_duplicates]
    assert all(len(group) == 1 for group in groups), "never two different photographs"
    assert len(groups) >= 0.9 * len(files)
