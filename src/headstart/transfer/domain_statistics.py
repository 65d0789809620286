"""The batch-norm statistics of one domain in a network whose own are another's."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from headstart import randomness
from headstart.backbones import Encoder, norms_of
from headstart.data import Dataset
from headstart.evaluation import as_shown, decoded_for

BATCH = 128
"""Items that statistics are taken of together, about."""


@torch.no_grad()
def with_statistics_of(data: Dataset, index: Tensor, encoder: Encoder, device: torch.device) -> Encoder:
    """A copy whose batch norms keep the mean of the statistics of batches of these items, in one pass over them.

    As AdaBN gathers a target's: all batches count alike, no weight changes, items are shown without chance. Batches
    are mixed, since those of a single class would miss what lies between classes. Without batch norm it is the encoder
    itself.
    """
    if not norms_of(encoder):
        return encoder
    twin = copy.deepcopy(encoder).to(device).eval()
    for norm in norms_of(twin):
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    shown, mixed = decoded_for(twin, data), index[randomness.permutation(0, "statistics", len(index))]
    for part in torch.tensor_split(mixed, max(1, round(len(mixed) / BATCH))):
        twin(as_shown(shown.take(part).to(device), twin))
    return twin.eval()
