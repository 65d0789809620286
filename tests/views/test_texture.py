import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchvision.transforms.v2 import functional as vision

from headstart.contracts import Draw, Part
from headstart.errors import InputError
from headstart.views import Blur, Erase, Noise, Normalise, Solarise

MANY = 20_000


def _images(count=3, channels=3, side=(40, 50)):
    return torch.rand(count, channels, *side, generator=torch.Generator().manual_seed(2))


def _draw(count=MANY):
    return Draw(seed=0, step=0, part=Part.whole(count))


def test_blur_is_torchvisions_and_leaves_other_items_alone():
    images = _images()
    shown = Blur().apply(images, torch.tensor([0.7, 0.0, 2.0]))
    for place, sigma in ((0, 0.7), (2, 2.0)):
        theirs = vision.gaussian_blur(images[place], kernel_size=[5, 5], sigma=[sigma, sigma])  # a tenth of 50 and 40
        torch.testing.assert_close(shown[place], theirs, atol=1e-5, rtol=1e-5)
    assert torch.equal(shown[1], images[1])


def test_a_wide_kernel_is_cut_where_the_gaussian_is_spent():
    images = _images(1, 1, (300, 300))
    theirs = gaussian_filter(images[0, 0].double().numpy(), 2.0, mode="mirror", truncate=8)
    ours = Blur(kernel=0.2).apply(images, torch.tensor([2.0]))[0, 0]
    assert (ours - torch.from_numpy(theirs)).abs().max() < 2e-4


def test_blur_works_on_tiny_items_and_when_nothing_is_drawn():
    images = _images(2, 1, (2, 1))
    assert Blur(kernel=1.0).apply(images, torch.ones(2)).shape == images.shape
    assert torch.equal(Blur().apply(images, torch.zeros(2)), images)


def test_widths_are_drawn_evenly_and_as_often_as_asked():
    sigma = Blur(sigma=(0.5, 1.5), probability=0.4).sample(_draw())
    drawn = sigma[sigma > 0]
    assert abs(len(drawn) / MANY - 0.4) < 0.02
    torch.testing.assert_close(drawn.quantile(torch.tensor([0.0, 0.25, 0.5, 1.0])),
                               torch.tensor([0.5, 0.75, 1.0, 1.5]), atol=0.03, rtol=0)  # fmt: skip


def test_solarise_is_torchvisions():
    images = _images(2)
    shown = Solarise().apply(images, torch.tensor([True, False]))
    torch.testing.assert_close(shown[0], vision.solarize(images[0], 0.5))
    assert torch.equal(shown[1], images[1])
    assert abs(Solarise(probability=0.2).sample(_draw()).float().mean() - 0.2) < 0.02


def test_erase_is_torchvisions():
    images = _images(2)
    shown = Erase().apply(images, torch.tensor([[3, 5, 7, 9], [3, 5, 0, 9]]))
    theirs = vision.erase(images[0], 3, 5, 7, 9, images[0].mean(dim=(1, 2), keepdim=True))
    torch.testing.assert_close(shown[0], theirs)
    assert torch.equal(shown[1], images[1])


def test_erased_boxes_have_the_area_asked_for_and_lie_inside():
    top, left, height, width = Erase(area=(0.1, 0.3), probability=0.7).sample(_draw(), 60, 60).unbind(dim=1)
    drawn = height > 0
    assert abs(drawn.float().mean() - 0.7) < 0.02
    area = (height * width)[drawn] / 3600
    assert abs(area.mean() - 0.2) < 0.01
    assert area.min() > 0.09
    assert area.max() < 0.31
    assert ((top >= 0) & (left >= 0) & (top + height <= 60) & (left + width <= 60)).all()
    assert top[drawn].max() > 35
    assert left[drawn].max() > 35


def test_noise_is_normal_with_a_strength_of_its_own_for_each_item():
    noise = Noise(deviation=0.1).sample(_draw(2000), (1, 30, 30))
    strength = noise.std(dim=(1, 2, 3))
    assert abs(strength.mean() - 0.05) < 0.002
    assert strength.max() < 0.11
    assert abs((noise / strength.view(-1, 1, 1, 1)).abs().mean() - (2 / torch.pi) ** 0.5) < 0.01
    shown = Noise().apply(_images(1), torch.full((1, 3, 40, 50), 0.5))
    assert shown.max() == 1


def test_normalise_is_torchvisions():
    images, mean, deviation = _images(), (0.5, 0.4, 0.3), (0.2, 0.3, 0.1)
    theirs = vision.normalize(images, list(mean), list(deviation))
    torch.testing.assert_close(Normalise(mean, deviation).apply(images), theirs)


@pytest.mark.parametrize(
    ("op", "settings"),
    [(Blur, {"sigma": (0.0, 1.0)}), (Blur, {"sigma": (2.0, 1.0)}), (Solarise, {"threshold": 1.5}),
     (Noise, {"deviation": -1.0}), (Erase, {"area": (0.1, 1.2)}),
     (Normalise, {"mean": (0.0,), "deviation": (0.0,)})],
)  # fmt: skip
def test_settings_out_of_range_are_refused(op, settings):
    with pytest.raises(InputError):
        op(**settings)
