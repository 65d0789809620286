"""Batch norms that convolutions do: what is computed stays, and what can't be folded runs as it is."""

import copy

import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from headstart.backbones import folding

IMAGES = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def settled(network: nn.Module) -> nn.Module:
    """In evaluation mode, with statistics and weights of batch norms that are nobody's default."""
    made = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            for values, low in ((module.running_mean, -0.5), (module.running_var, 0.5), (module.bias.data, -0.5)):
                values.copy_(low + torch.rand(values.shape, generator=made))
            module.weight.data.copy_(0.5 + torch.rand(module.weight.shape, generator=made))
    return network.eval()


@pytest.fixture
def norms(monkeypatch):
    """One entry for each batch norm that was computed."""
    computed, batch_norm = [], torch.batch_norm
    monkeypatch.setattr(torch, "batch_norm", lambda *given: computed.append(1) or batch_norm(*given))
    return computed


NETWORKS = {
    "resnet18": lambda: torchvision.models.resnet18(),
    "efficientnet_lite0": lambda: timm.create_model("tf_efficientnet_lite0"),
    "mobilenetv3": lambda: torchvision.models.mobilenet_v3_small(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_give_the_same_within_rounding_and_compute_no_batch_norm(name, norms):
    network = settled(NETWORKS[name]())
    before = copy.deepcopy(network.state_dict())
    with torch.inference_mode():
        plain = network(IMAGES)
        with folding(network, IMAGES[:1]):
            norms.clear()
            found = network(IMAGES)
            again = network(IMAGES)
        assert not norms
        torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))
        assert torch.equal(found, again)
        assert torch.equal(network(IMAGES), plain), "the network itself is as it was"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Parts(nn.Module):
    """A convolution, a batch norm, and a way of its own from one to the other."""

    def __init__(self, way) -> None:
        super().__init__()
        self.convolution, self.norm, self.other = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.way = way

    def forward(self, images):
        return self.way(self, images)


def _both(net, images):
    made = net.convolution(images)
    return net.norm(made) + made


def _twice(net, images):
    return net.norm(net.convolution(images)) + net.other(net.convolution(images.flip(3)))


def _in_place(net, images):
    return net.norm(net.convolution(images).relu_())


def _standardised(net, images):
    weight = net.convolution.weight
    return net.norm(F.conv2d(images, weight - weight.mean(), net.convolution.bias))


def _listed(net, images):
    made = net.convolution(images)
    return torch.cat([net.norm(made), made])


def _norm_of_both(net, images):
    return net.norm(net.convolution(images)) + net.norm(images.new_ones(1, 4, 1, 1))


@pytest.mark.parametrize("way", [_both, _twice, _in_place, _standardised, _listed, _norm_of_both])
def test_what_somebody_else_takes_too_is_left_as_it_is(way, norms):
    network = settled(Parts(way))
    with torch.inference_mode():
        plain, count = network(IMAGES), len(norms)
        with folding(network, IMAGES[:1]):
            norms.clear()
            assert torch.equal(network(IMAGES), plain)
    assert len(norms) == count


def test_batch_norms_without_statistics_of_their_own_are_left_as_they_are():
    network = settled(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)))
    with torch.inference_mode():
        plain = network(IMAGES)
        with folding(network, IMAGES[:1]):
            assert torch.equal(network(IMAGES), plain)


def test_weights_and_biases_may_be_missing(norms):
    network = settled(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)))
    bare = nn.Sequential(network[0], nn.BatchNorm2d(4, affine=False)).eval()
    with torch.inference_mode():
        for each in (network, bare):
            plain = each(IMAGES)
            with folding(each, IMAGES[:1]):
                norms.clear()
                torch.testing.assert_close(each(IMAGES), plain, rtol=1e-4, atol=1e-5)
            assert not norms
