"""What moves, what stays, and how classes are weighed while an encoder is fine-tuned."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Facts, Progress
from headstart.errors import InputError
from headstart.methods.fine_tuned import FineTuned, class_weights


def method(counts=(30, 10), **settings):
    encoder = build_encoder("resnet18", (3, 32, 32), mean=(0.5,) * 3, deviation=(0.5,) * 3)
    facts = Facts(items=sum(counts), shape=(3, 32, 32), classes=("a", "b", "c")[: len(counts)], counts=counts)
    return FineTuned(encoder, facts, **settings)


def stepped(made, lr=0.1):
    made.train()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    optimizer = torch.optim.SGD(
        [{**group, "lr": lr * group["lr"], "weight_decay": 0.0} for group in made.param_groups()]
    )
    images, labels = torch.rand(8, 3, 32, 32), torch.arange(8) % 2
    made.loss((images, labels), Progress(0, 1))["loss"].backward()
    optimizer.step()
    return {name for name, value in made.state_dict().items() if not torch.equal(value, before[name])}


def test_everything_learns_but_the_statistics_that_the_encoder_brought():
    made = method()
    moved = stepped(made)
    assert {name for name, _ in made.named_parameters()} <= moved
    assert not any("running" in name for name in moved)


def test_statistics_of_each_batch_are_taken_where_they_are_asked_for():
    moved = stepped(method(statistics="batch"))
    assert any("running_mean" in name for name in moved)
    made = method(statistics="batch", part="last-1")
    moved = stepped(made)
    assert {name.split(".")[2] for name in moved if "running_mean" in name} == {"layer4"}


def test_the_last_blocks_learn_and_the_others_stay_in_evaluation_mode():
    made = method(part="last-1")
    moved = stepped(made)
    assert {name.split(".")[2] for name in moved if name.startswith("encoder")} == {"layer4"}
    assert not made.encoder.backbone.layer3.training
    assert made.encoder.backbone.layer4.training
    assert not any(one.training for one in made.modules() if isinstance(one, nn.BatchNorm2d))
    made.eval()
    assert not made.encoder.backbone.layer4.training


@pytest.mark.parametrize("part", ["last-0", "last-99", "first-1", "last"])
def test_parts_that_there_are_not_are_refused_with_those_that_there_are(part):
    with pytest.raises(InputError, match=r"last-1 to last-\d+ blocks.*layer4"):
        method(part=part)


def test_the_body_learns_at_a_share_of_the_heads_rate_and_vectors_are_not_decayed():
    made = method(body_rate=0.25)
    names = {id(value): name for name, value in made.named_parameters()}
    for group in made.param_groups():
        for parameter in group["params"]:
            assert group["lr"] == (1.0 if names[id(parameter)].startswith("classifier") else 0.25)
            assert ("weight_decay" in group) == (parameter.ndim < 2)


def test_the_loss_by_hand():
    made = method(counts=(30, 10), smoothing=0.2).eval()
    images, labels = torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 1, 0])
    logits = made.classifier(made.encoder(images))
    aims = F.one_hot(labels, 2) * 0.8 + 0.1
    each = -(aims * logits.log_softmax(dim=1)).sum(dim=1)
    weights = torch.tensor([40 / 60, 40 / 20])
    found = made.loss((images, labels), Progress(0, 1))["loss"]
    torch.testing.assert_close(found, (each * weights[labels]).mean())


def test_the_loss_of_mixed_views_by_hand():
    made = method(counts=(30, 10), smoothing=0.2, mixup=0.4).eval()
    images, share = torch.rand(4, 3, 32, 32), torch.tensor([0.9, 0.2, 0.5, 1.0])
    own, partners = torch.tensor([0, 1, 1, 0]), torch.tensor([1, 0, 1, 1])
    logits = made.classifier(made.encoder(images))
    weights = torch.tensor([40 / 60, 40 / 20])
    total = 0.0
    for row, first, second, part in zip(logits.log_softmax(1), own, partners, share, strict=True):
        for label, portion in ((first, part), (second, 1 - part)):
            aim = F.one_hot(label, 2) * 0.8 + 0.1
            total += portion * weights[label] * -(aim * row).sum()
    found = made.loss((images, own, partners, share), Progress(0, 1))
    torch.testing.assert_close(found["loss"], total / 4)
    right = logits.argmax(1) == torch.tensor([0, 0, 1, 0])
    assert float(found["accuracy"]) == pytest.approx(float(right.float().mean()))


def test_mixed_items_belong_to_one_batch_so_it_is_not_computed_in_parts():
    assert method(mixup=0.4).compares_items
    assert not method().compares_items


def test_adapters_learn_instead_of_the_body_and_are_gone_from_what_is_stored():
    plain, made = method(), method(lora=2, part="last-1")
    learning = [name for name, p in made.named_parameters() if p.requires_grad]
    assert all("layer4" in name and name.endswith((".up", ".down")) for name in learning[:-2])
    assert learning[-2:] == ["classifier.weight", "classifier.bias"]
    rates = {id(p): group["lr"] for group in made.param_groups() for p in group["params"]}
    assert sorted({rates[id(p)] for p in made.parameters() if p.requires_grad}) == [0.1, 1.0]
    assert made.kept_encoder().state_dict().keys() == plain.encoder.state_dict().keys()


def test_weights_give_every_class_the_same_share():
    counts = (50, 10, 0)
    weights = class_weights(counts, balanced=True)
    assert weights[2] == 0
    assert weights[0] * 50 == pytest.approx(float(weights[1] * 10))
    assert float((weights * torch.tensor(counts)).sum()) == pytest.approx(60)
    assert class_weights(counts, balanced=False).tolist() == [1, 1, 1]
