"""Each method of adaptation against its paper's formula by hand, on the features and answers of its own network."""

import copy
import math

import pytest
import torch
from test_contract import ITEMS, SHAPE, batch, build, shown
from torch import nn
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.losses import class_confusion, coral, mmd
from headstart.methods import METHODS, find_adapter, find_learner, find_method
from headstart.methods.adaptation.adapter import Adapter, without_statistics

MIDDLE = Progress(50, 100)
STRENGTH = 2 / (1 + math.exp(-5)) - 1
ADAPTERS = ("source_only", "dann", "cdan", "coral", "mmd", "adabn", "mcc")


def views(method, step=0):
    return shown(method, Draw(0, step, Part.whole(ITEMS)))


def seen(method, images):
    """Features and logits by the batch's own statistics."""
    features = copy.deepcopy(method.encoder)(images)
    return features, method.classifier(features)


def own_cross_entropy(method, images, labels):
    return F.cross_entropy(seen(method, images)[1], labels)


@pytest.mark.parametrize("name", ["dann", "cdan", "coral", "mmd", "mcc"])
def test_the_loss_is_the_sources_cross_entropy_and_the_transfer(name):
    method = build(name)
    source, target, labels = views(method)
    expected = own_cross_entropy(method, source, labels)
    found = method.loss((source, target, labels), MIDDLE)
    torch.testing.assert_close(found["classification"], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found["loss"], expected + found["transfer"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), [("dann", {}), ("cdan", {"weigh": False}), ("cdan", {})])
def test_the_adversary_learns_what_the_encoder_unlearns(name, settings):
    """The critic's gradient is that of its binary cross entropy, the encoder's is -λ times it."""
    method = build(name, **settings)
    source, target, labels = views(method)
    twin = copy.deepcopy(method)
    method.loss((source, target, labels), MIDDLE)["transfer"].backward()
    features = torch.cat([twin.encoder(source), twin.encoder(target)])
    shares = twin.classifier(features).softmax(dim=1).detach()
    given = features if name == "dann" else torch.einsum("nc,nd->ncd", shares, features).flatten(1)
    is_source = torch.cat([torch.ones(ITEMS), torch.zeros(ITEMS)])
    errors = F.binary_cross_entropy_with_logits(twin.critic(given)[:, 0], is_source, reduction="none")
    weights = torch.ones(2 * ITEMS)
    if settings == {} and name == "cdan":
        weights = 1 + torch.exp((shares * shares.log()).sum(dim=1))
    weights = torch.cat([half / half.sum() for half in weights.chunk(2)]) / 2
    (weights * errors).sum().backward()
    for part, factor in (("critic", 1.0), ("encoder", -STRENGTH)):
        pairs = zip(getattr(method, part).parameters(), getattr(twin, part).parameters(), strict=True)
        for ours, theirs in pairs:
            torch.testing.assert_close(ours.grad, factor * theirs.grad, rtol=1e-4, atol=1e-6)
    assert method.classifier.weight.grad is None


def test_strength_scales_the_reversal_and_not_the_critic():
    one, half = build("dann"), build("dann", strength=0.5)
    shown_ = views(one)
    for method in (one, half):
        method.loss(shown_, MIDDLE)["transfer"].backward()
    first = [method.encoder.backbone.block1[0].weight.grad for method in (one, half)]
    torch.testing.assert_close(first[0], 2 * first[1])
    torch.testing.assert_close(one.critic[0].weight.grad, half.critic[0].weight.grad)


@pytest.mark.parametrize(
    ("name", "settings", "by_hand"),
    [
        ("coral", {"weight": 3.0}, lambda s, t: 3 * coral(s[1], t[1])),
        ("mmd", {"weight": 3.0}, lambda s, t: 3 * (mmd(s[0], t[0]) + mmd(s[1], t[1]))),
        ("mcc", {"weight": 3.0, "temperature": 2.0}, lambda s, t: 3 * class_confusion(t[1], temperature=2.0)),
    ],
)
def test_the_transfer_is_the_papers_of_the_layer_it_names(name, settings, by_hand):
    method = build(name, **settings)
    source, target, labels = views(method)
    expected = by_hand(seen(method, source), seen(method, target))
    found = method.loss((source, target, labels), MIDDLE)["transfer"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_targets_statistics_are_kept_and_the_sources_are_not():
    method = build("mmd")
    source, target, labels = views(method)
    only_target = copy.deepcopy(method.encoder)
    only_target(target)
    method.loss((source, target, labels), MIDDLE)
    for (name, ours), (_, theirs) in zip(method.encoder.named_buffers(), only_target.named_buffers(), strict=True):
        if "running" in name:
            assert torch.equal(ours, theirs), name


def test_without_statistics_puts_every_share_back():
    norms = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3, momentum=None))
    with pytest.raises(ZeroDivisionError), without_statistics(norms):
        raise ZeroDivisionError
    assert [norm.momentum for norm in norms] == [0.1, None]


def test_the_domains_are_shown_by_draws_of_their_own():
    method = build("coral")
    source, target, _ = method.views({"source": batch(), "target": batch()}, Draw(0, 0, Part.whole(ITEMS)))
    assert not torch.equal(source, target), "the same items, seen differently"


def test_adabn_keeps_the_mean_of_the_targets_batches_and_no_weight_moves():
    method = build("adabn")
    weights = {name: value.clone() for name, value in method.named_parameters()}
    parts = [batch(), Batch(255 - batch().items, batch().index, Part.whole(ITEMS))]
    norm = method.encoder.backbone.block1[1]
    norm.running_mean.fill_(7.0)
    for step, part in enumerate(parts):
        method.loss(method.views(part, Draw(0, step, Part.whole(ITEMS))), Progress(step, 2))
    convolved = [
        method.encoder.backbone.block1[0]((part.items / 255 - method.encoder.mean) / method.encoder.deviation)
        for part in parts
    ]
    means = torch.stack([part.mean(dim=(0, 2, 3)) for part in convolved]).mean(dim=0)
    spreads = torch.stack([part.var(dim=(0, 2, 3)) for part in convolved]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, means, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm.running_var, spreads, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(value, weights[name]) for name, value in method.named_parameters())


def test_adabn_goes_on_with_the_statistics_it_has_gathered():
    method = build("adabn")
    method.loss(views(method), Progress(0, 3))
    method.loss(views(method), Progress(1, 3))
    assert int(method.encoder.backbone.block1[1].num_batches_tracked) == 2


def test_adabn_needs_batch_norm():
    facts = Facts(items=100, shape=SHAPE, classes=("a", "b"), counts=(50, 50), views="glyphs")
    encoder = build_encoder("pixels", SHAPE, mean=[0.5], deviation=[0.3])
    with pytest.raises(InputError, match="pixels has none"):
        find_method("adabn")(encoder, facts)


@pytest.mark.parametrize("name", ["source_only", "dann"])
@pytest.mark.parametrize(
    ("facts", "says"),
    [({"classes": ("a",), "counts": (100,)}, "two classes"), ({"counts": (50, 40)}, "10 have none")],
)
def test_a_source_without_labels_is_refused(name, facts, says):
    whole = {"items": 100, "shape": SHAPE, "classes": ("a", "b"), "counts": (50, 50), "views": "glyphs", **facts}
    encoder = build_encoder("cnn", SHAPE, mean=[0.5], deviation=[0.3])
    with pytest.raises(InputError, match=says):
        find_method(name)(encoder, Facts(**whole))


def test_all_share_a_recipe_so_that_the_method_makes_the_difference():
    recipes = {name: find_method(name).recipe for name in ADAPTERS if name != "adabn"}
    assert len(set(recipes.values())) == 1


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_adapts_is_no_learner_and_no_route(name):
    assert find_adapter(name)
    with pytest.raises(InputError, match=f"headstart adapt {name} SOURCE TARGET"):
        find_learner(name)


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(ADAPTERS)))
def test_what_learns_from_one_set_does_not_adapt(name):
    assert find_learner(name)
    with pytest.raises(InputError, match="source_only, dann"):
        find_adapter(name)


def test_a_transfer_is_the_subclasss_to_say():
    facts = Facts(items=100, shape=SHAPE, classes=("a", "b"), counts=(50, 50), views="glyphs")
    bare = Adapter(build_encoder("cnn", SHAPE, mean=[0.5], deviation=[0.3]), facts)
    with pytest.raises(NotImplementedError):
        bare.loss(views(bare), MIDDLE)
