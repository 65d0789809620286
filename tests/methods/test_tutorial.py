"""The tutorial's method: what it trains, in which mode, on which views."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from headstart.backbones import RestingDropout, build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.methods.tutorial import Tutorial


def method(backbone="resnet18", part="head", side=64, counts=(30, 10)):
    encoder = build_encoder(backbone, (3, side, side), mean=(0.5,) * 3, deviation=(0.5,) * 3)
    made = torch.Generator().manual_seed(0)
    pictures = [torch.randint(0, 256, (3, 50 + n, 80), dtype=torch.uint8, generator=made) for n in range(4)]
    facts = Facts(
        items=sum(counts), shape=(3, 72, 72), classes=("a", "b"), counts=counts, original=pictures.__getitem__
    )
    return Tutorial(encoder, facts, part=part)


def views(made, step=0):
    batch = Batch(torch.empty(4, 3, 72, 72), torch.arange(4), Part.whole(4), torch.tensor([0, 1, 0, 1]))
    return made.views(batch, Draw(0, step, Part.whole(4)))


def test_a_frozen_body_has_its_batch_norms_in_training_mode():
    made = method().train()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made.loss(views(made), Progress(0, 1))["loss"].backward()
    torch.optim.SGD([p for p in made.parameters() if p.requires_grad], lr=0.1).step()
    moved = {name for name, value in made.state_dict().items() if not torch.equal(value, before[name])}
    assert {name for name in moved if not name.startswith("encoder")} == {"classifier.weight", "classifier.bias"}
    inside = {name for name in moved if name.startswith("encoder")}
    assert inside == {name for name in before if "running" in name or "num_batches" in name}


def test_dropout_before_a_frozen_head_is_active_while_training_alone():
    made = method("squeezenet1_0").train()
    images = torch.rand(2, 3, 64, 64)
    assert [one.p for one in made.modules() if isinstance(one, RestingDropout)] == [0.5]
    with torch.no_grad():
        assert not torch.equal(made.encoder(images), made.encoder(images))
        made.eval()
        assert torch.equal(made.encoder(images), made.encoder(images))


def test_the_loss_is_plain_cross_entropy_however_unbalanced_the_classes():
    made = method(counts=(90, 10)).eval()
    images, labels = views(made)
    expected = F.cross_entropy(made.classifier(made.encoder(images)), labels)
    torch.testing.assert_close(made.loss((images, labels), Progress(0, 1))["loss"], expected)


def test_every_step_cuts_other_boxes_of_the_originals():
    made = method()
    first, again, other = (views(made, step)[0] for step in (0, 0, 1))
    assert first.shape == (4, 3, 64, 64)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("part", "learns"), [("all", 62), ("last-1", 17), ("head", 2)])
def test_what_learns(part, learns):
    made = method(part=part)
    assert sum(p.requires_grad for p in made.parameters()) == learns
    made.train()
    assert all(one.training for one in made.modules() if isinstance(one, nn.BatchNorm2d))


def test_the_recipe_is_the_tutorials():
    asked = Tutorial.recipe
    assert (asked.optimizer, asked.lr, asked.momentum, asked.weight_decay) == ("sgd", 1e-3, 0.9, 0.0)
    assert (asked.batch_size, asked.epochs, asked.warmup_epochs, asked.schedule) == (4, 15, 0, "constant")
