"""Each method's loss and schedules against an independent implementation, or the paper's formula by hand."""

import math

import pytest
import torch
from lightly.loss import NegativeCosineSimilarity, NTXentLoss
from lightly.utils.scheduler import cosine_schedule
from test_contract import ITEMS, SHAPE, batch, build
from torch import nn
from torch.nn import functional as F

from headstart.contracts import Draw, Part, Progress
from headstart.errors import InputError

START = Progress(0, 100)


def shown(method, step=0):
    return method.views(batch(), Draw(0, step, Part.whole(ITEMS)))


def test_simclr_is_lightlys_loss_on_its_projections():
    method = build("simclr", temperature=0.3)
    views = shown(method)
    projected = method.project(torch.cat(views)).chunk(2)
    expected = NTXentLoss(temperature=0.3)(*projected)
    torch.testing.assert_close(method.loss(views, START)["loss"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_moco_is_cross_entropy_over_the_key_and_the_queue(symmetric, version):
    method = build("moco", symmetric=symmetric, version=version, queue=16)
    views = shown(method)
    temperature = {"v1": 0.07, "v2": 0.2}[version]
    order = [(0, 1), (1, 0)] if symmetric else [(0, 1)]
    queries = F.normalize(method.project(torch.cat([views[q] for q, _ in order])), dim=1)
    keys = F.normalize(method.key_projector(method.key_encoder(torch.cat([views[k] for _, k in order]))), dim=1)
    logits = torch.cat([(queries * keys).sum(1, keepdim=True), queries @ method.queue_keys.T], 1) / temperature
    expected = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64))
    torch.testing.assert_close(method.loss(views, START)["loss"], expected, rtol=1e-5, atol=1e-5)


def test_mocos_v1_projects_linearly_and_v2_through_a_hidden_layer():
    assert isinstance(build("moco", version="v1").projector, nn.Linear)
    assert [type(layer) for layer in build("moco").projector][-2:] == [nn.ReLU, nn.Linear]


def test_mocos_queue_replaces_its_oldest_keys_in_order():
    method = build("moco", symmetric=False, queue=40)
    expected = method.queue_keys.clone()
    place = 0
    for step in range(4):
        views = shown(method, step)
        method.loss(views, START)
        keys = F.normalize(method.key_projector(method.key_encoder(views[1])), dim=1)
        for key in keys:
            expected[place % 40] = key
            place += 1
        method.after_step(START)
    torch.testing.assert_close(method.queue_keys, expected)


def test_mocos_key_encoder_follows_by_momentum_statistics_included():
    method = build("moco", momentum=0.9)
    before = [value.clone() for value in method.key_encoder.state_dict().values()]
    loss = method.loss(shown(method), START)["loss"]
    loss.backward()
    torch.optim.SGD(method.param_groups(), lr=0.1).step()
    method.after_step(START)
    now, query = method.key_encoder.state_dict().values(), method.encoder.state_dict().values()
    for old, new, target in zip(before, now, query, strict=True):
        if old.dtype.is_floating_point:
            torch.testing.assert_close(new, 0.9 * old + 0.1 * target, rtol=1e-5, atol=1e-6)
    assert not method.key_encoder.training


def test_a_queue_as_large_as_the_data_is_refused():
    with pytest.raises(InputError, match="--queue 100"):
        build("moco", queue=100)


def test_byol_is_lightlys_cosine_both_ways():
    method = build("byol")
    views = shown(method)
    state = {name: value.clone() for name, value in method.state_dict().items()}
    first, second = (method.predictor(method.project(view)) for view in views)
    with torch.no_grad():
        targets = [method.target_projector(method.target_encoder(view)) for view in views]
    similar = NegativeCosineSimilarity()
    expected = 2 + 2 * similar(first, targets[1]) + 2 + 2 * similar(second, targets[0])
    method.load_state_dict(state)
    torch.testing.assert_close(method.loss(views, START)["loss"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("step", [0, 25, 99])
def test_byols_target_slows_down_along_the_papers_cosine(step):
    method = build("byol", momentum=0.99)
    before = method.target_encoder.backbone.block1[0].weight.clone()
    with torch.no_grad():
        method.encoder.backbone.block1[0].weight += 1.0
    method.after_step(Progress(step, 100))
    moved = method.target_encoder.backbone.block1[0].weight - before
    share = 1 - cosine_schedule(step, 101, 0.99, 1.0)  # lightly's last step is the one that reaches the end
    torch.testing.assert_close(moved, share * (method.encoder.backbone.block1[0].weight - before), rtol=1e-3, atol=1e-7)
    assert share == pytest.approx(0.01 * (math.cos(math.pi * step / 100) + 1) / 2)


@pytest.mark.parametrize(("norm", "left"), [("batch", nn.BatchNorm2d), ("group", nn.GroupNorm), ("none", None)])
def test_byols_norm_replaces_every_batch_norm_everywhere(norm, left):
    method = build("byol", norm=norm)
    kinds = {type(part) for part in method.modules()}
    assert (nn.BatchNorm2d in kinds) == (norm == "batch")
    assert (nn.BatchNorm1d in kinds) == (norm == "batch")
    assert left is None or left in kinds
    assert torch.isfinite(method.loss(shown(method), START)["loss"])


def test_the_targets_get_no_gradient():
    for name in ("byol", "moco"):
        method = build(name)
        method.loss(shown(method), START)["loss"].backward()
        teachers = [p for part, p in method.named_parameters() if part.startswith(("target_", "key_"))]
        assert teachers
        assert all(p.grad is None and not p.requires_grad for p in teachers)


def test_supervised_is_cross_entropy_and_wants_labels():
    method = build("supervised", smoothing=0.1)
    images, labels = shown(method)
    expected = nn.CrossEntropyLoss(label_smoothing=0.1)(method.classifier(method.encoder(images)), labels)
    torch.testing.assert_close(method.loss((images, labels), START)["loss"], expected)
    assert images.shape == (ITEMS, *SHAPE)
