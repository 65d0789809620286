"""Every classifier of torchvision builds, gives features, and takes a new head."""

import pytest
import torch
from torchvision import models

from headstart.backbones import feature_width, with_head
from headstart.backbones.vision import torchvision_backbone, torchvision_names, torchvision_network

ONE_A_FAMILY = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "resnext50_32x4d",
    "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "swin_v2_t", "vgg16", "vit_b_16", "wide_resnet50_2",
)  # fmt: skip
TUTORIALS = ("resnet18", "alexnet", "vgg16", "squeezenet1_0", "densenet121")

SHAPE = (3, 224, 224)


def check(name):
    """On the meta device, shapes without numbers, so that no family is too large; RegNets compute while being built."""
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        backbone, classifier = torchvision_backbone(name, SHAPE), with_head(torchvision_network(name, SHAPE), 7)
    with torch.device("meta"):
        width, outputs = feature_width(backbone.to("meta"), SHAPE), feature_width(classifier.to("meta"), SHAPE)
    assert width > 7
    assert outputs == 7


def test_these_are_all_families():
    known = {models.get_model_builder(name).__module__ for name in torchvision_names()}
    assert {models.get_model_builder(name).__module__ for name in ONE_A_FAMILY} == known
    assert set(TUTORIALS) <= set(ONE_A_FAMILY)


@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_one_of_every_family(name):
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_all_of_them(name):
    check(name)
