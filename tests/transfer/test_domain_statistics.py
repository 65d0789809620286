"""Batch-norm statistics of one domain, gathered in a copy of a network."""

import numpy as np
import pytest
import torch

from headstart.backbones import build_encoder
from headstart.contracts import Facts
from headstart.data import load
from headstart.evaluation import features_of
from headstart.methods import find_method
from headstart.transfer import pair, score
from headstart.transfer.domain_statistics import with_statistics_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sorted_by_class():
    """300 dark pictures, then as many bright ones."""
    dark = np.random.default_rng(0).integers(0, 60, (300, 8, 8))
    return load((np.concatenate([dark, dark + 180]).astype(np.uint8), np.arange(600) // 300))


def test_they_are_those_of_the_whole_domain_and_the_encoder_keeps_its_own(sorted_by_class):
    data, index = sorted_by_class, sorted_by_class.indices("train")
    encoder = build_encoder("cnn", data.shape, mean=[0.5], deviation=[0.3]).eval()
    convolve, norm = encoder.backbone.block1[:2]
    norm.running_mean.fill_(7.0)
    twin = with_statistics_of(data, index, encoder, CPU)
    with torch.no_grad():
        made = convolve((data.take(index) / 255 - encoder.mean) / encoder.deviation)
    found = twin.backbone.block1[1]
    torch.testing.assert_close(found.running_mean, made.mean(dim=(0, 2, 3)), rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(found.running_var, made.var(dim=(0, 2, 3)), rtol=2e-2, atol=1e-3)
    assert not any(part.training for part in twin.modules())
    assert set(norm.running_mean.tolist()) == {7.0}
    pairs = zip(twin.parameters(), encoder.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_without_batch_norm_there_is_nothing_to_gather(sorted_by_class):
    encoder = build_encoder("pixels", sorted_by_class.shape, mean=[0.5], deviation=[0.3])
    assert with_statistics_of(sorted_by_class, sorted_by_class.indices("train"), encoder, CPU) is encoder


@pytest.mark.parametrize(("name", "expected"), [("mmd", 1.0), ("adabn", 1.0), ("source_only", 0.5)])
def test_the_source_is_scored_by_its_own_statistics(sorted_by_class, name, expected):
    """A classifier that knows the source, behind batch norms that expect other pictures; source_only has no others."""
    data, learned = sorted_by_class, sorted_by_class.indices("train")
    both = pair(data, load(data.items.numpy()))
    encoder = build_encoder("cnn", data.shape, mean=[0.5], deviation=[0.3])
    facts = Facts(
        items=len(learned), shape=data.shape, classes=data.classes, counts=data.counts(learned), views="glyphs"
    )
    made = features_of(with_statistics_of(data, learned, encoder, CPU), data, learned)
    means = [made[data.labels[learned] == label].mean(dim=0) for label in (0, 1)]
    encoder.backbone.block1[1].running_mean.fill_(100.0)
    method = find_method(name)(encoder, facts)
    with torch.no_grad():  # the class of the nearer mean
        method.classifier.weight.copy_(torch.stack(means))
        method.classifier.bias.copy_(torch.stack([-mean.square().sum() / 2 for mean in means]))
    assert score(method, both).source_accuracy == pytest.approx(expected, abs=0.02)
    assert float(encoder.backbone.block1[1].running_mean[0]) == 100
