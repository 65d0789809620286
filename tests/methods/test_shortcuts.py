"""What would answer a pretext task without a look at what is shown: open where the guard is off, shut where it is on.

Each proof has synthetic pictures that show nothing but the shortcut, and a linear classifier that sees nothing but the
shortcut. Without the guard it answers; with it, on the same pictures, it can't do better than guess.
"""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part
from headstart.methods import find_method
from headstart.methods.pretext.rotation import turned

RIDGE = 1e-3
PERMUTATIONS = 8
RELATIVE, JIGSAW = ("relative_patch", 8, {}), ("jigsaw", PERMUTATIONS, {"permutations": PERMUTATIONS})


def accuracy(seen, answers, classes):
    """Of a linear classifier (least squares) of what is seen, n×D, on the half it was not fitted to."""
    order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(0))
    known, asked = order.chunk(2)
    mean, deviation = seen[known].mean(dim=0), seen[known].std(dim=0).clamp_min(1e-6)
    seen = torch.cat([(seen - mean) / deviation, torch.ones(len(seen), 1)], dim=1).double()
    covariance = seen[known].T @ seen[known] + RIDGE * len(known) * torch.eye(seen.shape[1], dtype=torch.double)
    weights = torch.linalg.solve(covariance, seen[known].T @ F.one_hot(answers[known], classes).double())
    return float(((seen[asked] @ weights).argmax(dim=1) == answers[asked]).float().mean())


def guessing(count, classes):
    """What a guess reaches at most: chance, and four deviations of a half of so many."""
    chance = 1 / classes
    return chance + 4 * (chance * (1 - chance) / (count / 2)) ** 0.5


def noise(count, *shape, seed=0):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def items(images):
    """uint8 of pictures around 0, which then lie around a middle grey."""
    return (images * 40 + 128).clamp(0, 255).byte()


def shown(task, pictures, **settings):
    """n×k×C×S×S patches as the encoder is shown them, and n answers."""
    name, _, usual = task
    shape = tuple(pictures.shape[1:])
    torch.manual_seed(0)
    encoder = build_encoder("cnn", shape, mean=(0.5,) * shape[0], deviation=(0.2,) * shape[0])
    method = find_method(name)(encoder, Facts(items=len(pictures), shape=shape), **usual, **settings)
    part = Part.whole(len(pictures))
    patches, answers = method.views(Batch(pictures, torch.arange(len(pictures)), part), Draw(0, 0, part))
    return method.levelled(patches).unflatten(0, (len(pictures), -1)), answers


def facing_rims(patches):
    """n×: how far the rims of any two patches are from going on in each other, on the right, below and at corners."""
    right, left = patches[..., :, -1], patches[..., :, 0]
    low, high = patches[..., -1, :], patches[..., 0, :]
    seen = []
    for a, b in permutations(range(patches.shape[1]), 2):
        for one, other in ((right, left), (low, high)):
            seen.append((one[:, a] - other[:, b]).abs().mean(dim=(1, 2)))
        for row, column in ((-1, -1), (-1, 0)):
            corner = patches[:, a, :, row, column] - patches[:, b, :, -1 - row, -1 - column]
            seen.append(corner.abs().mean(dim=1))
    return torch.stack(seen, dim=1)


@pytest.mark.parametrize(
    ("task", "side", "off"),
    [
        (RELATIVE, 40, {"patch": 15, "gap": 0, "jitter": 0}),
        (JIGSAW, 48, {"tile": 16}),
    ],
    ids=("relative_patch", "jigsaw"),
)
def test_lines_that_go_on_from_patch_to_patch(task, side, off):
    """Textures whose pixels are alike over two pixels: only where patches touch does one tell of the other."""
    pictures = items(2 * F.avg_pool2d(noise(2400, 1, side + 2, side + 2), 3, stride=1))
    with_gaps, answers = shown(task, pictures)
    assert accuracy(facing_rims(with_gaps), answers, task[1]) < guessing(2400, task[1])
    touching, answers = shown(task, pictures, **off)
    assert accuracy(facing_rims(touching), answers, task[1]) > 3 / task[1]


def statistics(patches):
    """n×: mean and deviation of each channel of each patch."""
    deviation, mean = torch.std_mean(patches, dim=(-2, -1))
    return torch.cat([mean, deviation], dim=1).flatten(1)


@pytest.mark.parametrize("task", [RELATIVE, JIGSAW], ids=("relative_patch", "jigsaw"))
def test_means_and_deviations(task):
    """Pictures that are brighter towards the bottom and rougher towards the right."""
    rise, rough = torch.linspace(-1, 1, 48)[:, None], torch.linspace(0.2, 1, 48)
    pictures = items(rise + rough * noise(2000, 3, 48, 48))
    levelled, answers = shown(task, pictures, normalise=True)
    assert accuracy(statistics(levelled), answers, task[1]) < guessing(2000, task[1])
    bare, answers = shown(task, pictures, normalise=False)
    assert accuracy(statistics(bare), answers, task[1]) > 3 / task[1]


def through_a_lens(count, side, stretch):
    """Grey textures of which green is larger by `stretch`, from the middle outwards: lateral chromatic aberration."""
    grey = 2 * F.avg_pool2d(noise(count, 1, side + 2, side + 2), 3, stride=1)
    places = F.affine_grid(torch.eye(2, 3)[None] / (1 + stretch), [1, 1, side, side], align_corners=False)
    green = F.grid_sample(grey, places.expand(count, -1, -1, -1), padding_mode="reflection", align_corners=False)
    return items(torch.cat([grey, green, grey], dim=1))


def channel_offsets(patches):
    """n×: where green lies from red and blue in each patch, along both axes: which way it fits them better."""
    red, green, blue = (patches[:, :, c, 1:-1, 1:-1] for c in range(3))
    others, seen = (red + blue) / 2, []
    for axis in (-1, -2):
        ahead, behind = (patches[:, :, 1].roll(by, axis)[..., 1:-1, 1:-1] for by in (-1, 1))
        seen.append(((ahead - behind) * (others - green)).mean(dim=(-2, -1)))
    return torch.cat(seen, dim=1)


@pytest.mark.parametrize(
    ("task", "guard"),
    [(RELATIVE, "drop"), (RELATIVE, "project"), (JIGSAW, "drop")],
    ids=("relative_patch-drop", "relative_patch-project", "jigsaw-drop"),
)
def test_colours_that_a_lens_drags_apart(task, guard):
    pictures = through_a_lens(1000, 72, stretch=0.03)
    guarded, answers = shown(task, pictures, colours=guard)
    assert accuracy(channel_offsets(guarded), answers, task[1]) < guessing(1000, task[1])
    bare, answers = shown(task, pictures, colours="keep")
    assert accuracy(channel_offsets(bare), answers, task[1]) > 3 / task[1]


def test_shifted_channels_weaken_what_a_lens_gives_away():
    """The jigsaw paper's way: an offset among random ones is harder to see, but not gone."""
    pictures = through_a_lens(1000, 72, stretch=0.03)
    shifted, bare = (
        accuracy(channel_offsets(patches), answers, PERMUTATIONS)
        for patches, answers in (shown(JIGSAW, pictures, colours=colours) for colours in ("shift", "keep"))
    )
    assert guessing(1000, PERMUTATIONS) < shifted < bare - 0.1


def turns_shown(pictures):
    """Views and answers of the method itself."""
    shape = tuple(pictures.shape[1:])
    encoder = build_encoder("cnn", shape, mean=(0.5,) * shape[0], deviation=(0.2,) * shape[0])
    method = find_method("rotation")(encoder, Facts(items=len(pictures), shape=shape))
    part = Part.whole(len(pictures))
    return method.views(Batch(pictures, torch.arange(len(pictures)), part), Draw(0, 0, part))


def roughness(images):
    """n×2: how much neighbours differ along rows and along columns."""
    return torch.stack([images.diff(dim=axis).abs().mean(dim=(1, 2, 3)) for axis in (2, 3)], dim=1)


def test_traces_of_resampling_in_turned_pictures():
    """Wide noise: what is turned and then brought back to its shape is smooth along one axis and not the other."""
    pictures = items(noise(500, 1, 24, 36))
    images, turns = turns_shown(pictures)
    assert accuracy(roughness(images), turns, 4) < guessing(2000, 4)
    whole = pictures.float() / 255
    resized = [F.interpolate(whole.rot90(k, (2, 3)), size=(24, 36), mode="bilinear") for k in range(4)]
    assert accuracy(roughness(torch.cat(resized)), turns, 4) > 0.45, "odd from even"


def brightness(images):
    """n×16: the mean of each sixteenth, its borders and corners among them."""
    return F.adaptive_avg_pool2d(images, 4).flatten(1)


def test_borders_and_corners_that_a_lens_darkens():
    """Vignetting is the same from all four sides around the middle of a picture, and only there."""
    rows, columns = torch.linspace(-1, 1, 24)[:, None], torch.linspace(-1.5, 1.5, 36)
    pictures = items(0.5 * noise(500, 1, 24, 36) - (rows**2 + columns**2))
    images, turns = turns_shown(pictures)
    assert accuracy(brightness(images), turns, 4) < guessing(2000, 4)
    beside = turned(pictures[..., :24].float() / 255)
    assert accuracy(brightness(beside), turns, 4) > 0.9
