import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as vision

from headstart.contracts import Draw, Part
from headstart.errors import InputError
from headstart.views import ColourJitter, Greyscale
from headstart.views.colour import Recolouring

MANY = 20_000


def _images(channels=3, low=0.3, high=0.6):
    """Mid tones, so that nothing is clamped on the way."""
    made = torch.rand(4, channels, 12, 9, generator=torch.Generator().manual_seed(1))
    return made * (high - low) + low


def _draw(count=MANY):
    return Draw(seed=0, step=0, part=Part.whole(count))


def _jittered(images, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0):
    drawn = torch.tensor([[brightness, contrast, saturation, hue]] * len(images))
    return ColourJitter.recolouring(drawn, images.shape[1]).apply(images)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.6])
@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_and_contrast_are_torchvisions(factor, channels):
    images = _images(channels)
    torch.testing.assert_close(_jittered(images, brightness=factor), vision.adjust_brightness(images, factor))
    theirs = vision.adjust_contrast(images, factor)
    torch.testing.assert_close(_jittered(images, contrast=factor), theirs, atol=1e-3, rtol=0)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.6])
def test_saturation_is_torchvisions(factor):
    images = _images()
    theirs = vision.adjust_saturation(images, factor)
    torch.testing.assert_close(_jittered(images, saturation=factor), theirs, atol=1e-3, rtol=0)


def test_brightness_contrast_and_saturation_follow_each_other():
    images = _images(low=0.35, high=0.5)
    theirs = vision.adjust_saturation(vision.adjust_contrast(vision.adjust_brightness(images, 1.3), 1.4), 0.5)
    ours = _jittered(images, brightness=1.3, contrast=1.4, saturation=0.5)
    torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=0)


@pytest.mark.parametrize("turn", [-0.4, -0.1, 0.05, 0.2])
def test_hue_turns_about_as_far_as_torchvisions(turn):
    """A rotation in YIQ is not one in HSV: the turn agrees within a twelfth of the circle, brightness stays."""
    pure = torch.tensor([[0.6, 0.3, 0.3], [0.3, 0.6, 0.3], [0.3, 0.3, 0.6], [0.5, 0.5, 0.3]])[:, :, None, None]
    ours, theirs = _jittered(pure, hue=turn), vision.adjust_hue(pure, turn)
    apart = (_hue(ours) - _hue(theirs) + 0.5) % 1 - 0.5
    assert apart.abs().max() < 1 / 12
    torch.testing.assert_close(vision.rgb_to_grayscale(ours), vision.rgb_to_grayscale(pure), atol=1e-3, rtol=0)


class NoFloat64(TorchDispatchMode):
    """A device without float64, as mps is: "meta" stands for it."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else (made,):
            assert not (isinstance(one, torch.Tensor) and one.is_meta and one.dtype == torch.float64), function
        return made


def test_colours_can_be_turned_on_a_device_without_float64():
    drawn = ColourJitter(hue=0.5).sample(_draw(4)).to("meta")
    with NoFloat64():
        recolouring = ColourJitter.recolouring(drawn, 3)
    assert recolouring.matrix.shape == (4, 3, 3)


def _hue(colours):
    import colorsys

    return torch.tensor([colorsys.rgb_to_hsv(*colour.flatten().tolist())[0] for colour in colours])


def test_greyscale_is_torchvisions_and_only_where_drawn():
    images = _images()
    unchanged = Recolouring.none(4, 3, images.device)
    shown = Greyscale.after(unchanged, torch.tensor([True, False, True, False])).apply(images)
    torch.testing.assert_close(shown[::2], vision.rgb_to_grayscale(images[::2], 3), atol=1e-3, rtol=0)
    torch.testing.assert_close(shown[1::2], images[1::2])


def test_saturation_and_hue_do_nothing_to_grey_items():
    images = _images(1)
    torch.testing.assert_close(_jittered(images, saturation=0.2, hue=0.3), images)


def test_colours_stay_between_0_and_1():
    shown = _jittered(_images(low=0.0, high=1.0), brightness=1.8, contrast=1.8, saturation=1.8, hue=0.3)
    assert shown.min() == 0
    assert shown.max() == 1


def test_factors_are_drawn_like_torchvisions():
    torch.manual_seed(0)
    settings = {"brightness": 0.4, "contrast": 0.8, "saturation": 1.5, "hue": 0.1}
    theirs = v2.ColorJitter(**settings)
    made = [theirs.make_params([]) for _ in range(4000)]
    ours = ColourJitter(**settings).sample(_draw())
    for column, name in enumerate(settings):
        a, b = ours[:, column], torch.tensor([m[f"{name}_factor"] for m in made])
        ranks = torch.linspace(0, 1, 21)
        torch.testing.assert_close(a.quantile(ranks), b.quantile(ranks), atol=0.05 * float(b.max() - b.min()), rtol=0)


def test_items_are_left_alone_as_often_as_asked():
    alone = ColourJitter(brightness=0.5, hue=0.2, probability=0.8).sample(_draw())[:, [0, 3]] == torch.tensor([1, 0])
    assert abs(alone.all(dim=1).float().mean() - 0.2) < 0.02
    assert abs(Greyscale(probability=0.2).sample(_draw()).float().mean() - 0.2) < 0.02


@pytest.mark.parametrize("settings", [{"brightness": -0.1}, {"hue": 0.6}, {"probability": 2}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        ColourJitter(**settings)
