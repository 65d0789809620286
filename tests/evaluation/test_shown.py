"""Each encoder is shown the items as its weights want them."""

from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform

from headstart.backbones import Encoder, Pixels, foreign_encoder, installed_packages
from headstart.backbones.foreign.packages import package_network
from headstart.data import load
from headstart.evaluation import features_of
from headstart.views import framed

HYMENOPTERA = Path(__file__).parents[3] / "shared" / "data" / "hymenoptera"
LITE = "efficientnet-lite0"
ANT = 310
"""ImageNet's class of ants."""

needs_both = [
    pytest.mark.slow,
    pytest.mark.skipif(not HYMENOPTERA.is_dir(), reason="hymenoptera is not here"),
    pytest.mark.skipif(LITE not in installed_packages(), reason="the package of efficientnet-lite0 is missing"),
]


def seeing(side, decode, channels=3):
    """An encoder that gives what it is shown, as it is."""
    zeros, ones = [0.0] * channels, [1.0] * channels
    return Encoder(
        Pixels(side),
        name="pixels",
        shape=(channels, side, side),
        width=channels * side * side,
        mean=zeros,
        deviation=ones,
        decode=decode,
        resampling="bicubic",
    )


def test_large_items_are_cropped_as_timm_does_and_small_ones_enlarged_whole():
    items = torch.randint(256, (2, 3, 16, 16), dtype=torch.uint8)
    assert torch.equal(framed(items, 12, 16, "bicubic"), items[..., 2:14, 2:14] / 255)
    small = torch.full((1, 1, 4, 4), 51, dtype=torch.uint8)
    small[..., 0] = 255
    shown = framed(small, 12, 14, "bicubic")
    assert shown.shape == (1, 1, 12, 12)
    assert float(shown[..., 0].min()) > 0.9


def test_wide_items_keep_their_proportions():
    items = torch.zeros(1, 3, 8, 16, dtype=torch.uint8)
    items[..., 4:12] = 255
    assert float(framed(items, 8, 8, "bilinear").min()) == 1


def test_grey_items_are_shown_to_encoders_of_colours_as_three_equal_channels():
    data = load((torch.randint(256, (6, 1, 12, 12), dtype=torch.uint8), [0, 1] * 3))
    found = features_of(seeing(12, 12), data, torch.arange(6)).reshape(6, 3, 12, 12)
    assert torch.equal(found, (data.items / 255).expand(-1, 3, -1, -1))


@pytest.mark.parametrize(("native", "decoded"), [(80, 64), (40, 40)])
def test_files_are_decoded_anew_unless_they_are_small(tmp_path, native, decoded, monkeypatch):
    """Pictures that are larger than what the encoder sees; smaller ones are enlarged chunk by chunk, not kept so."""
    from headstart.data import Dataset

    for number in range(4):
        noise = torch.randint(256, (native, native, 3), dtype=torch.uint8).numpy()
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    data = load(tmp_path, size=16)
    asked = []
    at = Dataset.at
    monkeypatch.setattr(Dataset, "at", lambda self, side, *how: asked.append(side) or at(self, side, *how))
    found = features_of(seeing(56, 64), data, torch.arange(4))
    assert asked == [decoded]
    assert found.shape == (4, 3 * 56 * 56)


@pytest.mark.parametrize("mark", [pytest.param(None, marks=needs_both)])
def test_ants_are_called_ants_with_the_right_preprocessing_only(mark):
    data = load(HYMENOPTERA)
    ants = torch.nonzero(data.labels == data.classes.index("ants")).flatten()
    network, _ = package_network(LITE)
    encoder = foreign_encoder(LITE)

    def share():
        with torch.no_grad():
            return float((network.classifier(features_of(encoder, data, ants)).argmax(dim=1) == ANT).float().mean())

    right = share()
    encoder.mean.copy_(torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1))
    encoder.deviation.copy_(torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1))
    assert right == pytest.approx(0.84, abs=0.03)
    assert share() < right - 0.15


@pytest.mark.parametrize("mark", [pytest.param(None, marks=needs_both)])
def test_features_of_photos_are_those_of_timms_own_pipeline(mark):
    data = load(HYMENOPTERA)
    some = torch.arange(0, len(data), len(data) // 6)
    config = timm.get_pretrained_cfg("tf_efficientnet_lite0")
    shown = create_transform(
        input_size=config.input_size,
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
        crop_pct=config.crop_pct,
    )
    network, _ = package_network(LITE)
    network.eval().reset_classifier(0)
    with torch.no_grad():
        pictures = [shown(Image.open(data.paths[place]).convert("RGB")) for place in some.tolist()]
        theirs = network(torch.stack(pictures))
    ours = features_of(foreign_encoder(LITE), data, some)
    assert torch.nn.functional.cosine_similarity(ours, theirs).min() > 0.97
