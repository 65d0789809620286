import math

import pytest
import torch
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as vision

from headstart.contracts import Draw, Part
from headstart.errors import InputError
from headstart.views import Affine, Flip, RandomResizedCrop
from headstart.views.geometry import inverse_affine, resample

MANY = 20_000


def _images(count=4, side=(20, 28), channels=3, seed=0):
    return torch.rand(count, channels, *side, generator=torch.Generator().manual_seed(seed))


def _draw(count=MANY, step=0):
    return Draw(seed=0, step=step, part=Part.whole(count))


def _same_distribution(a, b, tolerance):
    """The largest gap between two empirical distribution functions (Kolmogorov and Smirnov)."""
    places = torch.cat([a, b]).double().unique()
    gap = (torch.searchsorted(a.sort().values.double(), places, right=True) / len(a)) - (
        torch.searchsorted(b.sort().values.double(), places, right=True) / len(b)
    )
    assert gap.abs().max() < tolerance


@pytest.mark.parametrize("flipped", [False, True])
def test_crop_and_flip_are_torchvisions(flipped):
    images = _images()
    boxes = torch.tensor([[0, 0, 20, 28], [3, 5, 9, 14], [19, 27, 1, 1], [0, 20, 20, 8]])
    matrices = RandomResizedCrop.matrix(boxes, 20, 28) @ Flip.matrix(torch.full((4,), flipped))
    shown = resample(images, matrices, boxes)
    for image, box, ours in zip(images, boxes.tolist(), shown, strict=True):
        theirs = vision.resized_crop(image, *box, [20, 28], antialias=True)
        theirs = vision.horizontal_flip(theirs) if flipped else theirs
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("angle", "shear", "zoom", "shift"),
    [(0, 0, 1, (3, -2)), (30, 0, 1, (0, 0)), (0, 0, 0.7, (0, 0)), (0, 20, 1, (0, 0)), (-25, 12, 1.3, (4, 1))],
)
def test_affine_is_torchvisions(angle, shear, zoom, shift):
    images = torch.nn.functional.pad(_images(side=(14, 18)), (5, 5, 3, 3))  # the rim is black, as outside
    degrees = [torch.deg2rad(torch.full((4,), float(value))) for value in (angle, shear)]
    places = inverse_affine(*degrees, torch.full((4,), float(zoom)), torch.tensor([shift] * 4, dtype=torch.float32))
    theirs = vision.affine(
        images, angle, list(shift), zoom, [shear, 0.0], interpolation=InterpolationMode.BILINEAR, fill=[0.0]
    )
    torch.testing.assert_close(resample(images, places), theirs, atol=1e-4, rtol=1e-4)


def test_what_comes_in_from_outside_has_the_colour_of_the_rim():
    images = torch.full((1, 3, 8, 8), 0.8)
    images[:, :, 3:5, 3:5] = 0.1
    places = inverse_affine(torch.zeros(1), torch.zeros(1), torch.ones(1), torch.tensor([[6.0, 0.0]]))
    torch.testing.assert_close(resample(images, places)[..., :6], torch.full((1, 3, 8, 6), 0.8))


def test_a_chain_of_affine_crop_and_flip_looks_up_once():
    """The product of the matrices sends a corner of the view where the steps send it one after the other."""
    boxes = torch.tensor([[2, 4, 10, 12]])
    affine = Affine(shift=0.1, rotate=20, zoom=(0.8, 1.2), shear=10).sample(_draw(1), 20, 28)
    chain = affine @ RandomResizedCrop.matrix(boxes, 20, 28) @ Flip.matrix(torch.tensor([True]))
    x, y = 13.5, -9.5  # centre of the view's last pixel in the first row
    x, y = -x, y
    x, y = x * 12 / 28 + 4 + 6 - 14, y * 10 / 20 + 2 + 5 - 10
    x, y = (affine[0, :2, :2] @ torch.tensor([x, y]) + affine[0, :2, 2]).tolist()
    torch.testing.assert_close(chain[0] @ torch.tensor([13.5, -9.5, 1]), torch.tensor([x, y, 1]))


@pytest.mark.parametrize(("area", "ratio"), [((0.08, 1.0), (3 / 4, 4 / 3)), ((0.2, 0.6), (0.5, 1.0))])
@pytest.mark.parametrize("side", [(32, 32), (20, 60)])
def test_boxes_are_drawn_like_torchvisions(area, ratio, side):
    torch.manual_seed(0)
    crop = v2.RandomResizedCrop(side, scale=area, ratio=ratio)
    made = [crop.make_params([torch.empty(3, *side)]) for _ in range(4000)]
    theirs = torch.tensor([[m["top"], m["left"], m["height"], m["width"]] for m in made])
    ours = RandomResizedCrop(area=area, ratio=ratio).sample(_draw(), *side)
    for column in range(4):
        _same_distribution(ours[:, column], theirs[:, column], 0.035)
    _same_distribution(ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3], 0.035)


def test_a_shape_that_never_fits_gives_the_largest_box():
    boxes = RandomResizedCrop(area=(1.0, 1.0), ratio=(0.5, 0.5)).sample(_draw(50), 30, 30)
    assert boxes.tolist() == [[0, 7, 30, 15]] * 50


def test_affine_draws_like_torchvision():
    torch.manual_seed(0)
    theirs = v2.RandomAffine(20, translate=(0.1, 0.1))
    drawn = [theirs.make_params([torch.empty(1, 40, 40)]) for _ in range(4000)]
    places = Affine(shift=0.1, rotate=20).sample(_draw(), 40, 40)
    angle = torch.rad2deg(torch.atan2(places[:, 0, 1], places[:, 0, 0]))
    _same_distribution(angle, torch.tensor([d["angle"] for d in drawn]), 0.035)
    shift = -torch.linalg.solve(places[:, :2, :2], places[:, :2, 2])
    assert shift.abs().max() <= 4.001
    assert abs(shift.abs().mean() - 2) < 0.05


def test_zoom_is_even_on_the_log_scale_and_shear_keeps_area():
    places = Affine(zoom=(0.5, 2.0), shear=10).sample(_draw(), 8, 8)
    zoom = -0.5 * torch.linalg.det(places[:, :2, :2]).log() / math.log(2)
    assert abs(zoom.mean()) < 0.02
    _same_distribution(zoom, torch.linspace(-1, 1, MANY), 0.02)


def test_flips_come_as_often_as_asked():
    assert abs(Flip(probability=0.3).sample(_draw()).float().mean() - 0.3) < 0.02


@pytest.mark.parametrize(
    ("op", "settings"),
    [(RandomResizedCrop, {"area": (0.0, 1.0)}), (Flip, {"probability": 1.5}), (Affine, {"shear": 90}),
     (Affine, {"zoom": (0.0, 1.0)}), (RandomResizedCrop, {"area": (0.9, 0.1)}), (Affine, {"zoom": (1.0,)})],
)  # fmt: skip
def test_settings_out_of_range_are_refused(op, settings):
    with pytest.raises(InputError):
        op(**settings)
