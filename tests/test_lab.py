"""Lab against scikit-image, there and back, and what is left of it in eight bits."""

from __future__ import annotations

import pytest
import torch

from headstart.lab import as_grey, as_lab_bytes, lab_to_rgb, rgb_to_lab

color = pytest.importorskip("skimage.color", reason="scikit-image isn't installed")


def colours(dtype=torch.float64):
    """Every 17th level of each channel, and what lies next to the bends of both curves."""
    levels = torch.cat([torch.arange(0, 256, 17), torch.tensor([1, 2, 9, 10, 11, 12])]).to(dtype) / 255
    return torch.cartesian_prod(levels, levels, levels).T[None, :, :, None]


def theirs(function, images):
    return torch.from_numpy(function(images.double().numpy(), channel_axis=1))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-4), (torch.float32, 2e-4)])
def test_there_as_scikit_image_has_it(dtype, tolerance):
    images = colours(dtype)
    torch.testing.assert_close(rgb_to_lab(images).double(), theirs(color.rgb2lab, images), rtol=0, atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.float32, 1e-5)])
def test_back_as_scikit_image_has_it(dtype, tolerance):
    made = torch.Generator().manual_seed(0)
    lab = torch.rand(4, 3, 20, 20, generator=made, dtype=dtype) * torch.tensor([100, 200, 200]).view(3, 1, 1)
    lab -= torch.tensor([0, 100, 100]).view(3, 1, 1)
    with pytest.warns(UserWarning, match="negative Z"):
        expected = theirs(color.lab2rgb, lab)
    found = lab_to_rgb(lab)
    assert bool(((found == 0) | (found == 1)).any()), "some are no colours of a screen"
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=tolerance)


def test_there_and_back_is_where_one_was():
    images = colours(torch.float32)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(images)), images, rtol=0, atol=1e-5)


def test_grey_has_the_lightness_of_the_colour_in_eight_bits():
    images = colours()
    grey = as_grey(images)
    assert torch.equal(grey, grey[:, :1].expand_as(grey))
    torch.testing.assert_close(255 * grey, (255 * grey).round(), rtol=0, atol=1e-9)
    levels = torch.arange(256).view(1, 1, 256, 1).expand(1, 3, 256, 1) / 255
    torch.testing.assert_close(as_grey(levels), levels)
    level = rgb_to_lab(levels)[0, 0].diff(dim=0).max()
    apart = (rgb_to_lab(grey)[:, 0] - rgb_to_lab(images)[:, 0]).abs()
    assert float(apart.max()) < 0.51 * float(level)


def test_lab_in_eight_bits():
    images = colours()
    kept = (255 * as_lab_bytes(images)).round()
    expected = theirs(color.rgb2lab, images) * torch.tensor([2.55, 1, 1]).view(3, 1, 1)
    assert float((kept - expected - torch.tensor([0, 128, 128]).view(3, 1, 1)).abs().max()) <= 0.5 + 1e-4


def test_it_can_be_learned_through_everywhere():
    images = colours(torch.float32).requires_grad_()
    lab_to_rgb(rgb_to_lab(images)).sum().backward()
    assert bool(torch.isfinite(images.grad).all())
