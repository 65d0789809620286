import pytest
import timm
import torch
from torch import nn
from torchvision import models

from headstart.backbones import RestingDropout, evaluating, feature_width, replace_norm, with_head, without_head
from headstart.errors import InputError

FAMILIES = {
    "resnet18": 512,
    "alexnet": 4096,
    "vgg11": 4096,
    "squeezenet1_0": 512,
    "densenet121": 1024,
    "mobilenet_v2": 1280,
    "efficientnet_b0": 1280,
    "convnext_tiny": 768,
    "vit_b_32": 768,
    "swin_t": 768,
}


@pytest.mark.parametrize(("name", "width"), FAMILIES.items())
def test_the_head_of_every_family_is_known(name, width):
    """Widths as the papers and torchvision's own classifiers have them."""
    shape = (3, 224, 224)
    assert feature_width(without_head(models.get_model(name, weights=None)), shape) == width
    assert feature_width(with_head(models.get_model(name, weights=None), 7), shape) == 7


@pytest.mark.parametrize(
    ("name", "before"), [("alexnet", [0.5, 0.5]), ("vgg11", [0.5, 0.5]), ("squeezenet1_0", [0.5]), ("resnet18", [])]
)
def test_dropout_before_the_head_is_kept_in_its_place_and_rests(name, before):
    with torch.device("meta"):
        whole, made = models.get_model(name, weights=None), without_head(models.get_model(name, weights=None))
    resting = [one for one in made.modules() if isinstance(one, RestingDropout)]
    assert [one.p for one in resting] == before
    assert set(made.state_dict()) <= set(whole.state_dict()), "layers keep their names"
    assert not any(one.training and type(one) is nn.Dropout for one in made.modules())


def test_dropout_rests_until_it_is_woken():
    rows, made = torch.ones(4, 100), RestingDropout(0.5)
    assert torch.equal(made(rows), rows)
    made.awake = True
    assert set(made(rows).unique().tolist()) == {0.0, 2.0}
    assert torch.equal(made.eval()(rows), rows)


def test_timm_changes_its_own_head():
    made = timm.create_model("resnet10t", pretrained=False)
    assert feature_width(with_head(made, 5), (3, 64, 64)) == 5
    assert feature_width(without_head(made), (3, 64, 64)) == made.num_features


def test_a_network_without_a_known_head_is_refused():
    with pytest.raises(InputError, match="no head"):
        without_head(nn.Sequential(nn.Linear(2, 2)))


def test_measuring_a_width_leaves_the_network_as_it_was():
    made = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    made[1].eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    feature_width(made, (1, 6, 6))
    assert made.training
    assert not made[1].training
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_features_that_are_no_rows_are_refused():
    with pytest.raises(InputError, match="n×D"):
        feature_width(nn.Conv2d(1, 4, 3), (1, 6, 6))


def test_evaluating_puts_every_mode_back_even_after_an_error():
    made = nn.Sequential(nn.Dropout(), nn.Dropout())
    made[0].eval()

    def look():
        with evaluating(made):
            assert not any(part.training for part in made.modules())
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        look()
    assert (made.training, made[0].training, made[1].training) == (True, False, True)


@pytest.mark.parametrize("kind", ["batch", "group", "none"])
def test_replaced_norms_have_the_same_parameters(kind):
    def make():
        return nn.Sequential(
            nn.Conv2d(1, 12, 3), nn.BatchNorm2d(12), nn.Flatten(), nn.Linear(192, 6), nn.BatchNorm1d(6)
        )

    changed = replace_norm(make(), kind)
    assert sum(p.numel() for p in changed.parameters()) == sum(p.numel() for p in make().parameters())
    assert changed(torch.rand(4, 1, 6, 6)).shape == (4, 6)


@pytest.mark.parametrize("kind", ["group", "none"])
def test_the_activation_of_a_replaced_norm_stays(kind):
    """timm's batch norms carry the activation that follows."""
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    activations = sum(isinstance(part, nn.ReLU6) for part in network.modules())
    changed = replace_norm(network, kind)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in changed.modules())
    assert sum(isinstance(part, nn.ReLU6) for part in changed.modules()) == activations > 0
    seen = changed.bn1(torch.randn(2, 32, 4, 4)).detach()
    assert float(seen.min()) == 0 < float(seen.max()) <= 6


def test_no_norm_is_scale_and_shift_and_group_norm_is_torchs():
    none = replace_norm(nn.BatchNorm2d(4), "none")
    with torch.no_grad():
        none.weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        none.bias.fill_(0.5)
    images = torch.rand(2, 4, 3, 3)
    torch.testing.assert_close(none(images), images * none.weight.view(1, 4, 1, 1) + 0.5)
    assert isinstance(replace_norm(nn.BatchNorm2d(24), "group"), nn.GroupNorm)
    assert replace_norm(nn.BatchNorm2d(9), "group").num_groups == 1
