"""DANN: features from which a critic can't tell source and target apart.

Ganin et al. 2016, arXiv 1505.07818: section 4, and the schedule of section 5.2.2.
Shapes: n items of each domain in this process, D features.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Facts, Progress
from headstart.losses import domain_confusion, reversal_strength, reverse_gradient
from headstart.methods.adaptation.adapter import Adapter, Domain, critic
from headstart.settings import Range


class DANN(Adapter):
    """A critic learns to tell the domains apart, and its gradient, reversed, makes the features alike.

    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.

    Args:
        strength: λ at the end of training, of the reversed gradient; it rises from 0 as the paper has it.
        hidden: Width of the critic's two hidden layers.
    """

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        strength: Annotated[float, Range(above=0)] = 1.0,
        hidden: Annotated[int, Range(least=1)] = 256,
    ) -> None:
        super().__init__(encoder, facts)
        self.critic = critic(encoder.width, hidden)
        self.strength = strength

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """The critic's cross entropy; what lies before it is driven the other way."""
        features = torch.cat([source.features, target.features])  # [2n, D]
        reversed_ = reverse_gradient(features, self.strength * reversal_strength(progress.done))
        return domain_confusion(*self.critic(reversed_).squeeze(1).chunk(2))
