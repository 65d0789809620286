"""Relative patches and jigsaws: every patch comes from where its answer says, pixel by pixel, and bad input is told."""

from __future__ import annotations

import itertools
import re

import pytest
import torch
from torch.nn import functional as F

import headstart
from headstart import cli
from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.pretext.patches import cut, one_channel, standardised, without_green_magenta
from headstart.methods.pretext.permutations import LARGEST, permutation_set
from headstart.methods.pretext.relative_patch import DIRECTIONS

NAMES = ("relative_patch", "jigsaw")


def build(name, shape, backbone="cnn", **settings):
    torch.manual_seed(0)
    encoder = build_encoder(backbone, shape, mean=(0.4,) * shape[0], deviation=(0.2,) * shape[0])
    return find_method(name)(encoder, Facts(items=1000, shape=shape), **settings)


def random_items(count, *shape):
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def whole(items):
    return Batch(items, torch.arange(len(items)), Part.whole(len(items)))


def drawn(count, step=0):
    return Draw(0, step, Part.whole(count))


def maps(count, height, width, channels=2):
    """Pictures whose channels tell row and column of every pixel in turn: a patch says where it was cut out."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([row, column] * (channels // 2)).to(torch.uint8).repeat(count, 1, 1, 1)


def corners(patches, size):
    """k×2: row and column of the first pixel of patches of `maps`; pixel by pixel each is one piece of the picture."""
    places = (patches * 255).round().long()
    first = places[:, :, 0, 0]
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    assert torch.equal(places, first[:, :, None, None] + torch.stack([rows, columns]))
    return first


def test_patches_are_cut_as_slices_are():
    made = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, 11, 9, generator=made)
    top, left = torch.randint(7, (4, 5, 3), generator=made), torch.randint(5, (4, 5, 3), generator=made)
    patches = cut(images, top, left, 5)
    for n, k, c in itertools.product(range(4), range(5), range(3)):
        row, column = int(top[n, k, c]), int(left[n, k, c])
        assert torch.equal(patches[n, k, c], images[n, c, row : row + 5, column : column + 5])
    alike = cut(images, top[:, :, :1], left[:, :, :1], 5)
    assert torch.equal(alike[:, :, 0], patches[:, :, 0])


@pytest.mark.parametrize("settings", [{}, {"patch": 7, "gap": 5, "jitter": 2}])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (30, 41)])
def test_the_second_patch_lies_where_the_answer_says(height, width, settings):
    method = build("relative_patch", (2, height, width), **settings)
    items = maps(400, height, width)
    patches, answers = method.views(whole(items), drawn(400))
    places = corners(patches, method.patch)
    step, slack = method.patch + method.gap, 2 * method.jitter
    off = set()
    for answer, first, second in zip(answers.tolist(), places[::2].tolist(), places[1::2].tolist(), strict=True):
        for axis in range(2):
            away = second[axis] - first[axis] - DIRECTIONS[answer][axis] * step
            assert abs(away) <= slack
            off.add(away)
    assert off == set(range(-slack, slack + 1)), "jitter takes every value"
    assert set(answers.tolist()) == set(range(8))
    for axis, length in enumerate((height, width)):
        assert set(places[:, axis].tolist()) == set(range(length - method.patch + 1)), "from edge to edge"


@pytest.mark.parametrize("settings", [{}, {"permutations": 9, "tile": 8}])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (29, 37)])
def test_tiles_come_from_the_cells_that_the_permutation_says(height, width, settings):
    method = build("jigsaw", (2, height, width), **settings)
    tiles, answers = method.views(whole(maps(200, height, width)), drawn(200))
    places = corners(tiles, method.tile).view(200, 9, 2)
    cell = (height // 3, width // 3)
    solved = torch.empty_like(places)
    for puzzle, answer in enumerate(answers.tolist()):
        for slot, home in enumerate(method.orders[answer].tolist()):
            solved[puzzle, home] = places[puzzle, slot]
    for axis in range(2):
        found = solved[:, :, axis].view(200, 3, 3)
        found = found if axis == 0 else found.transpose(1, 2)
        base = torch.arange(3)[:, None] * cell[axis]
        spare = (height, width)[axis] - 3 * cell[axis]
        free = (cell[axis] - method.tile) // 2
        within = found - base
        assert set(within.flatten().tolist()) == set(range(spare + free + 1))
        lines = found[:, 1:].amin(dim=2) - found[:, :-1].amax(dim=2) - method.tile
        assert int(lines.min()) == cell[axis] - method.tile - free, "tiles never touch"
    assert len(set(answers.tolist())) == len(method.orders) or len(method.orders) > 50


@pytest.mark.parametrize(
    ("side", "settings", "least"),
    [(28, {}, 1), (96, {}, 3), (96, {"colours": "shift"}, 2), (32, {"colours": "shift"}, 0), (30, {"tile": 10}, 0)],
)
def test_half_of_what_a_cell_leaves_free_is_between_tiles(side, settings, least):
    method = build("jigsaw", (2, side, side), **settings)
    tiles, answers = method.views(whole(maps(500, side, side)), drawn(500))
    rows = corners(tiles, method.tile)[:, 0].view(500, 9)
    solved = torch.empty_like(rows).scatter(1, method.orders[answers], rows).view(500, 3, 3)
    assert int((solved[:, 1:] - solved[:, :-1] - method.tile).min()) == least


def test_shifted_channels_stay_in_their_cell_and_some_pictures_are_grey():
    method = build("jigsaw", (4, 96, 96), colours="shift")
    assert method.shift == 1
    tiles, answers = method.views(whole(maps(100, 96, 96, channels=4)), drawn(100))
    first, second = (corners(part, method.tile).view(100, 9, 2) for part in (tiles[:, :2], tiles[:, 2:]))
    apart = first - second
    assert set(apart.flatten().tolist()) == {-2, -1, 0, 1, 2}
    homes = method.orders[answers]
    for place in (first, second):
        assert torch.equal(torch.div(place + 1, 32, rounding_mode="floor"), torch.stack([homes // 3, homes % 3], 2))
    method = build("jigsaw", (3, 48, 48), colours="shift")
    items = torch.rand(200, 3, 1, 1).mul(255).byte().expand(200, 3, 48, 48).contiguous()
    tiles, _ = method.views(whole(items), drawn(200))
    grey = (tiles.view(200, -1, 3, method.tile**2).std(dim=2) < 1e-3).flatten(1)
    assert torch.equal(grey.all(dim=1), grey.any(dim=1)), "all tiles of a picture or none"
    assert float(grey.all(dim=1).float().mean()) == pytest.approx(0.3, abs=0.08)


def test_colours_are_taken_off_as_by_hand():
    patches = torch.rand(6, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    grey = one_channel(patches, drawn(6))
    kept = set()
    for item, patch in itertools.product(range(6), range(2)):
        channel = next(c for c in range(3) if torch.equal(grey[item, patch, 0], patches[item, patch, c]))
        assert all(torch.equal(grey[item, patch, c], patches[item, patch, channel]) for c in range(3))
        kept.add(channel)
    assert kept == {0, 1, 2}
    projected = without_green_magenta(patches)
    for item, row, column in itertools.product(range(6), range(4), range(4)):
        red, green, blue = patches[item, 1, :, row, column].tolist()
        along = (2 * green - red - blue) / 6
        expected = [min(max(value, 0), 1) for value in (red + along, green - 2 * along, blue + along)]
        assert projected[item, 1, :, row, column].tolist() == pytest.approx(expected, abs=1e-6)
    for others in (patches[:, :, :1], patches[:, :, :2]):
        assert one_channel(others, drawn(6)) is others
        assert without_green_magenta(others) is others


def test_levelled_patches_have_one_mean_and_deviation():
    patches = torch.rand(5, 3, 6, 6) * torch.rand(5, 3, 1, 1) + 0.1
    patches[4] = 0.3
    found = standardised(patches)
    for patch, made in itertools.product(range(4), range(3)):
        one = patches[patch, made]
        expected = (one - one.mean()) / (one - one.mean()).square().mean().sqrt()
        torch.testing.assert_close(found[patch, made], expected)
    assert float(found[4].abs().max()) < 1e-4, "what is flat stays flat"
    for name, normalise in itertools.product(NAMES, (True, False)):
        method = build(name, (3, 28, 28), normalise=normalise)
        seen = method.levelled(patches)
        assert torch.equal(seen, patches) is not normalise
        if normalise:
            normal = (seen - method.encoder.mean) / method.encoder.deviation
            torch.testing.assert_close(normal, found, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_that_of_patches_encoded_one_by_one(name):
    method = build(name, (1, 28, 28)).eval()
    patches, answers = method.views(whole(random_items(6, 1, 28, 28)), drawn(6))
    count = len(patches) // 6
    shown = method.levelled(patches)
    losses, right = [], []
    for item, answer in enumerate(answers):
        mine = [method.narrow(method.encoder(shown[[count * item + k]]))[0] for k in range(count)]
        logits = method.question(torch.cat(mine)[None])[0]
        losses.append(-logits.log_softmax(0)[answer])
        right.append(float(logits.argmax() == answer))
    found = method.loss((patches, answers), Progress(0, 1))
    torch.testing.assert_close(found["loss"], torch.stack(losses).mean())
    assert float(found["accuracy"]) == pytest.approx(sum(right) / 6)


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_cut_as_one_does(name):
    items = random_items(8, 3, 48, 48)
    method = build(name, (3, 48, 48))
    patches, answers = method.views(whole(items), drawn(8))
    parts = [Part(0, 4, 8), Part(4, 8, 8)]
    halves = [
        method.views(Batch(items[part.start : part.stop], torch.arange(4), part), Draw(0, 0, part)) for part in parts
    ]
    assert torch.equal(patches, torch.cat([half[0] for half in halves]))
    assert torch.equal(answers, torch.cat([half[1] for half in halves]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("backbone", "enlarged"), [("cnn", False), ("pixels", False), ("mlp", True)])
def test_networks_that_take_patches_see_them_as_they_are_and_others_enlarged(name, backbone, enlarged):
    method = build(name, (3, 30, 36), backbone)
    items = random_items(4, 3, 30, 36)
    patches, answers = method.views(whole(items), drawn(4))
    plain, _ = build(name, (3, 30, 36)).views(whole(items), drawn(4))
    size = plain.shape[-1]
    assert plain.shape[2:] == (size, size)
    assert size < 30
    expected = F.interpolate(plain, size=(30, 36), mode="bilinear") if enlarged else plain
    torch.testing.assert_close(patches, expected, rtol=0, atol=0)
    method.train().loss((patches, answers), Progress(0, 1))["loss"].backward()


def distances(orders):
    """Of every pair, counted place by place."""
    return [sum(a != b for a, b in zip(one, two, strict=True)) for one, two in itertools.combinations(orders, 2)]


@pytest.mark.parametrize(("count", "least"), [(9, 9), (24, 8), (72, 8), (100, 7), (504, 7), (LARGEST, 6)])
def test_permutations_differ_in_as_many_places_as_can_be(count, least):
    orders = permutation_set(count).tolist()
    assert len(orders) == count
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({tuple(order) for order in orders}) == count
    if count <= 100:
        found = distances(orders)
        rolled = [
            distances([torch.randperm(9, generator=made).tolist() for _ in range(count)])
            for made in (torch.Generator().manual_seed(seed) for seed in range(5))
        ]
        assert min(found) > max(min(one) for one in rolled)
        assert sum(found) > max(sum(one) for one in rolled)
        assert min(found) == least
    else:
        table = permutation_set(count)
        apart = torch.stack([(table != order).sum(dim=1) for order in table])
        assert int(apart[apart > 0].min()) == least
        assert int((apart == 0).sum()) == count


def test_every_tile_turns_up_at_every_place_as_often():
    """One tile alone, its home known, says next to nothing of the shuffle."""
    orders = permutation_set(100)
    for place, tile in itertools.product(range(9), range(9)):
        assert 10 <= int((orders[:, place] == tile).sum()) <= 12


def test_the_set_is_the_same_every_time_and_chosen_fast():
    first = permutation_set(200)
    permutation_set.cache_clear()
    assert torch.equal(first, permutation_set(200))


@pytest.mark.parametrize(
    ("name", "shape", "settings", "said"),
    [
        ("jigsaw", (1, 23, 40), {}, "24 pixels a side or more.*these have 23"),
        ("jigsaw", (1, 28, 28), {"tile": 10}, "--tile 10.*a third has 9.*at most 9"),
        ("jigsaw", (3, 96, 96), {"tile": 31, "colours": "shift"}, "--tile 31.*1 on either side.*at most 30"),
        ("relative_patch", (1, 16, 16), {}, "17 pixels a side or more.*these have 16"),
        ("relative_patch", (1, 28, 28), {"gap": 20}, "34 pixels a side or more.*with --gap 20 and a.*Lower --gap, or"),
        ("relative_patch", (1, 24, 24), {"jitter": 9}, "106 pixels.*neighbours of 35.*--jitter 9.*Lower --jitter"),
        ("relative_patch", (1, 24, 24), {"gap": 12, "jitter": 9}, "--jitter 9.*overlap.*half of --gap"),
        ("relative_patch", (1, 24, 24), {"patch": 20, "jitter": 4}, "46 pixels a side or more.*neighbours of 15"),
        ("relative_patch", (1, 28, 28), {"patch": 13}, "--patch 13.*take 34 pixels.*have 28.*at most 10"),
        ("relative_patch", (1, 48, 48), {"gap": 3, "jitter": 2}, "--jitter 2.*overlap.*half of --gap"),
    ],
)
def test_pictures_and_settings_that_leave_no_room_are_refused(name, shape, settings, said):
    with pytest.raises(InputError, match=f"(?s){said}"):
        build(name, shape, **settings)


@pytest.mark.parametrize("gap", [None, 0, 1, 5, 20])
@pytest.mark.parametrize("jitter", [None, 0, 2, 9])
def test_the_size_that_pictures_are_said_to_need_is_taken(gap, jitter):
    """And one pixel less is told the same."""

    def said(side):
        try:
            build("relative_patch", (1, side, side), gap=gap, jitter=jitter)
        except InputError as error:
            return str(error)
        return None

    first = said(11)
    if gap is not None and 2 * (jitter or 0) > gap:
        assert "overlap" in first
        return
    needed = int(re.search(r"pictures of (\d+) pixels", first)[1])
    assert said(needed - 1) == first.replace("these have 11", f"these have {needed - 1}")
    assert said(needed) is None


@pytest.mark.parametrize("name", NAMES)
def test_pictures_just_large_enough_are_taken(name):
    side = {"jigsaw": 24, "relative_patch": 17}[name]
    method = build(name, (1, side, side))
    method.views(whole(random_items(2, 1, side, side)), drawn(2))


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("jigsaw", {}, "jigsaw needs pictures of 24"),
        ("relative_patch", {}, "relative_patch needs pictures of 17"),
        ("jigsaw", {"permutations": 1513}, "--permutations 1513 is out of range"),
        ("jigsaw", {"tile": 5}, "--tile 5 is out of range"),
        ("relative_patch", {"gap": -1}, "--gap -1 is out of range"),
        ("relative_patch", {"colours": "shift"}, "--colours shift is not known"),
    ],
)
def test_the_verb_refuses_before_anything_is_written(name, settings, said, tmp_path):
    with pytest.raises(InputError, match=said):
        headstart.pretrain(name, "digits", out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_comparison_refuses_before_any_route_is_taken(name, tmp_path, capsys):
    code = cli.run(["compare", "digits", "--routes", f"raw,{name}", "--epochs", "1", "-o", str(tmp_path / "out")])
    assert code == 2
    assert f"{name} needs pictures of" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_both_are_routes_of_a_comparison(tmp_path):
    labels = torch.arange(120) % 2
    items = random_items(120, 1, 28, 28)
    items[labels == 1, :, :14] //= 4
    result = headstart.compare(
        (items, labels),
        routes="raw,random,rotation,relative_patch,jigsaw",
        epochs=1,
        labels_per_class="5",
        out=tmp_path / "out",
    )
    states = {row["route"]: row["state"] for row in result.rows}
    assert states["relative_patch"] == states["jigsaw"] == states["rotation"] == "done"
