"""What a trained method's own classifier says of items."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from headstart.backbones import Encoder
from headstart.data import Dataset
from headstart.evaluation import features_of
from headstart.methods.method import Method


@torch.no_grad()
def logits_of(method: Method, data: Dataset, index: Tensor, *, encoder: Encoder | None = None) -> Tensor:
    """n×C, on the CPU, of the items at these places; by the features of the method's encoder, or of this one."""
    classifier = method.get_submodule("classifier")
    assert isinstance(classifier, nn.Module)
    device = next(classifier.parameters()).device
    logits: Tensor = classifier(features_of(encoder or method.encoder, data, index, device=device).to(device))
    return logits.float().cpu()
