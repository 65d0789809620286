import math

import pytest
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules.memory_bank import MemoryBankModule
from torch.nn import functional as F

from headstart.errors import InputError
from headstart.losses import info_nce, normalized_l2


def rows(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_with_negatives_it_is_mocos_equation_1():
    query, positive, negatives = rows(4, 6), rows(4, 6, seed=1), rows(9, 6, seed=2)
    total = 0.0
    for q, k in zip(query, positive, strict=True):
        scores = [float(F.cosine_similarity(q, other, dim=0)) / 0.2 for other in [k, *negatives]]
        total -= scores[0] - math.log(sum(math.exp(s) for s in scores))
    found = info_nce(query, positive, negatives, temperature=0.2)
    assert float(found) == pytest.approx(total / 4, rel=1e-10)


def test_lightlys_memory_bank_agrees():
    """lightly's contrastive loss with a memory bank is MoCo's: queries, their keys, and the bank as negatives."""
    query, key = rows(8, 6).float(), rows(8, 6, seed=1).float()
    theirs = NTXentLoss(temperature=0.1, memory_bank_size=(16, 6))
    assert isinstance(theirs.memory_bank, MemoryBankModule)
    theirs(query, key)  # fills the bank with random keys
    bank = theirs.memory_bank.bank
    negatives = (bank if bank.shape[1] == 6 else bank.T).clone()
    expected = theirs(query, key.detach())
    torch.testing.assert_close(info_nce(query, key, negatives, temperature=0.1), expected, rtol=1e-5, atol=1e-5)


def test_without_negatives_the_other_positives_are_taken():
    query, positive = rows(5, 4), rows(5, 4, seed=1)
    logits = F.normalize(query, dim=1) @ F.normalize(positive, dim=1).T / 0.1
    torch.testing.assert_close(info_nce(query, positive), F.cross_entropy(logits, torch.arange(5)))


def test_dot_and_bilinear_scores():
    query, positive, weight = rows(5, 4), rows(5, 3, seed=1), rows(4, 3, seed=2)
    expected = F.cross_entropy(query @ weight @ positive.T, torch.arange(5))
    torch.testing.assert_close(info_nce(query, positive, temperature=1.0, score="bilinear", weight=weight), expected)
    same = F.cross_entropy(query @ query.T / 0.5, torch.arange(5))
    torch.testing.assert_close(info_nce(query, query, temperature=0.5, score="dot"), same)


@pytest.mark.parametrize(("score", "weight"), [("cosine", torch.ones(2, 2)), ("bilinear", None)])
def test_a_weight_goes_with_the_bilinear_score_alone(score, weight):
    with pytest.raises(InputError, match="bilinear"):
        info_nce(torch.ones(2, 2), torch.ones(2, 2), score=score, weight=weight)


def test_normalized_l2_is_two_minus_two_cosines():
    a, b = rows(7, 5), rows(7, 5, seed=1)
    torch.testing.assert_close(normalized_l2(a, b), (2 - 2 * F.cosine_similarity(a, b)).mean())
    torch.testing.assert_close(normalized_l2(3 * a, a), torch.zeros((), dtype=torch.float64))
