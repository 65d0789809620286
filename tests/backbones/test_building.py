import pytest
import torch
from torch import nn
from torchvision import models

from headstart.backbones import (
    Pixels,
    build_encoder,
    check_backbone,
    default_backbone,
    list_backbones,
    names_encoder,
    rebuild_encoder,
)
from headstart.backbones.names import known_architecture
from headstart.errors import InputError

MEAN, DEVIATION = [0.4], [0.2]


def build(name, shape=(1, 8, 8), seed=0):
    channels = shape[0]
    return build_encoder(name, shape, mean=MEAN * channels, deviation=DEVIATION * channels, seed=seed)


@pytest.mark.parametrize("name", ["cnn", "mlp", "vit", "pixels", "resnet18", "mobilenet_v3_small", "squeezenet1_0"])
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 40, 36), (5, 48, 48)])
def test_every_kind_turns_any_number_of_channels_into_rows(name, shape):
    encoder = build(name, shape).eval()
    with torch.no_grad():
        found = encoder(torch.rand(2, *shape))
    assert found.shape == (2, encoder.width)


@pytest.mark.parametrize("side", [2, 5, 8, 16, 28, 64])
def test_the_small_network_takes_any_side(side):
    encoder = build("cnn", (1, side, side))
    assert encoder.width == 4 * 128
    assert encoder(torch.rand(3, 1, side, side)).shape == (3, encoder.width)


def test_the_input_is_normalised_by_the_encoder_itself():
    encoder = build("pixels")
    images = torch.rand(4, 1, 8, 8)
    torch.testing.assert_close(encoder(images), ((images - 0.4) / 0.2).flatten(1))


def test_resnets_keep_the_resolution_of_small_images_and_only_of_those():
    small, large = build("resnet18", (3, 32, 32)).backbone, build("resnet18", (3, 96, 96)).backbone
    assert (small.conv1.kernel_size, small.conv1.stride, type(small.maxpool)) == ((3, 3), (1, 1), nn.Identity)
    assert (large.conv1.kernel_size, large.conv1.stride, type(large.maxpool)) == ((7, 7), (2, 2), nn.MaxPool2d)


def test_a_resnet_is_torchvisions_own():
    """The same weights give the same features as torchvision's network up to its last layer."""
    ours = build("resnet18", (3, 96, 96)).eval()
    theirs = models.resnet18(weights=None)
    theirs.fc = nn.Identity()
    theirs.load_state_dict(ours.backbone.state_dict())
    images = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs.eval()((images - 0.4) / 0.2))


def test_initialisation_depends_on_the_seed_alone():
    torch.manual_seed(1)
    first = build("cnn", seed=3)
    torch.manual_seed(2)
    again, other = build("cnn", seed=3), build("cnn", seed=4)
    weights = [encoder.backbone.block1[0].weight for encoder in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("name", ["cnn", "mlp", "vit", "pixels", "resnet18"])
def test_an_encoder_is_rebuilt_from_its_description(name):
    encoder = build(name, (3, 32, 32)).eval()
    again = rebuild_encoder(encoder.describe()).eval()
    again.load_state_dict(encoder.state_dict())
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(encoder(images), again(images))


def test_a_module_of_ones_own_is_rebuilt_with_its_arguments(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, width=6):\n"
        "        super().__init__()\n"
        "        self.width = width\n"
        "        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, width))\n\n"
        "    def forward(self, x):\n"
        "        return self.body(x)\n"
    )
    encoder = build(f"{tmp_path}/net.py:Net")
    assert encoder.width == 6
    made = type(encoder.backbone)(9)
    own = build_encoder(made, (1, 8, 8), mean=MEAN, deviation=DEVIATION)
    again = rebuild_encoder(own.describe())
    assert again.width == 9
    again.load_state_dict(own.state_dict())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet81", "resnet18"),
        ("no_such_file.py:Net", "no_such_file.py"),
        ("headstart.errors:Absent", "Absent"),
        ("headstart.errors:InputError", "not a torch.nn.Module"),
    ],
)
def test_bad_names_are_refused_plainly(name, said):
    with pytest.raises(InputError, match=said):
        build(name)


def test_names_are_checked_before_anything_is_built():
    check_backbone(None)
    check_backbone("resnet18")
    check_backbone("mobilenet_v3_small")
    with pytest.raises(InputError, match="headstart backbones"):
        check_backbone("alexnetty")


@pytest.mark.parametrize(
    ("name", "own"),
    [("resnet", "resnet18"), ("vgg", "vgg16"), ("squeezenet", "squeezenet1_0"), ("densenet", "densenet121")],
)
def test_the_tutorials_names_are_torchvisions_networks(name, own):
    assert known_architecture(name) == known_architecture(own) == ("torchvision", own)
    assert names_encoder(name)
    assert names_encoder(f"{name}:IMAGENET1K_V1")
    with pytest.raises(InputError, match="names weights"):
        check_backbone(f"{name}:IMAGENET1K_V1")


def test_too_small_a_picture_is_an_error_with_the_reason():
    with pytest.raises(InputError, match="can't take images"):
        build("alexnet", (3, 8, 8))


def test_the_default_suits_the_size():
    assert default_backbone((1, 8, 8)) == "cnn"
    assert default_backbone((3, 224, 224)) == "resnet18"


def test_the_list_names_ours_first_and_torchvisions_all():
    names = [backbone.name for backbone in list_backbones()]
    assert names[:2] == ["cnn", "mlp"]
    assert len(names) == len(set(names))
    assert set(models.list_models(module=models)) <= set(names)


def test_blocks_can_be_named_for_looking_into():
    encoder = build("cnn")
    assert encoder.layers()[:4] == ["block1", "block2", "block3", "block4"]
    assert isinstance(build("pixels").backbone, Pixels)
