"""All kinds of shift between two sets, at most one false alarm in fifty pairs over all of them."""

from __future__ import annotations

import torch

from headstart import randomness
from headstart.backbones import Encoder
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.transfer.diagnosing.conditional import conditional
from headstart.transfer.diagnosing.describing import described
from headstart.transfer.diagnosing.inputs import input_forms
from headstart.transfer.diagnosing.labels import label_sets, shared_part
from headstart.transfer.diagnosing.marginal import marginal
from headstart.transfer.diagnosing.pool import Pool, pooled
from headstart.transfer.diagnosing.posteriors import posteriors
from headstart.transfer.diagnosing.shares import class_shares
from headstart.transfer.diagnosing.shift import Level, Shift, untold
from headstart.transfer.pairing import shaped_like

FEWEST = 20
"""Items of a set below which nothing can be said about it."""


def find_shifts(
    source: Dataset,
    target: Dataset,
    *,
    encoder: Encoder | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> list[Shift]:
    """The verdict on every kind, in the order inputs, marginal, labels, class-shares, conditional.

    All items of both sets are used. `encoder` describes the pictures in place of an untrained network.

    Raises:
        InputError: A set has too few items, or the channels can't be made alike.
    """
    for data in (source, target):
        if len(data) < FEWEST:
            raise InputError(f"{data.name} has {len(data)} items: to find shifts takes at least {FEWEST} in each set.")
    inputs = input_forms(source, target)
    target, _ = shaped_like(target, source.shape)
    pool = pooled(source, target, described(source, target, encoder, device), seed)
    return [inputs, *_tested(pool, resized=bool(inputs.found), seed=seed)]


def _tested(pool: Pool, *, resized: bool, seed: int) -> list[Shift]:
    """The kinds that take tests."""
    level = Level(_planned(pool))
    labels = label_sets(pool, level)
    part = shared_part(pool, labels)
    if part is None or min(int(part.domain.sum()), int((~part.domain).sum())) < FEWEST:
        few = "have no class in common" if part is None else f"share classes of fewer than {FEWEST} items"
        reason = f"The sets {few}, so there is nothing alike to compare."
        return [untold("marginal", reason), labels, untold("class-shares", reason), untold("conditional", reason)]
    enough = int((part.counts(target=False) > 0).sum()) >= 2
    known = posteriors(part, part.labelled(target=False)) if enough else None

    def purpose(name: str) -> torch.Generator:
        return randomness.generator(seed, f"diagnosis, {name}")

    pictures, scores = marginal(part, known, level, purpose("marginal"), resized=resized)
    shares = class_shares(part, known, pictures, level, purpose("class shares"))
    answers = conditional(part, known, pictures, scores, level, purpose("conditional"))
    return [pictures, labels, shares, answers]


def _planned(pool: Pool) -> int:
    """How many kinds these labels allow to test, whatever is found."""
    source, target = (bool(pool.counts(target=side).any()) for side in (False, True))
    return 1 + source + 2 * (source and target)
