"""CDAN: as DANN, but the critic sees the features together with the classes they are taken for.

Long et al. 2018, arXiv 1705.10667: equations 4 (the product), 8 and 9 (the entropy weights).
Shapes: n items of each domain in this process, D features, C classes.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Facts, Progress
from headstart.losses import domain_confusion, entropy, reversal_strength, reverse_gradient
from headstart.methods.adaptation.adapter import Adapter, Domain, critic
from headstart.settings import Range


class CDAN(Adapter):
    """The critic is shown every product of a feature and a class's probability, so the domains agree class by class.

    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.

    Args:
        strength: λ at the end of training, of the reversed gradient; it rises from 0 as in DANN.
        hidden: Width of the critic's two hidden layers.
        weigh: Items whose class is sure count more (CDAN+E).
    """

    compares_items = True

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        strength: Annotated[float, Range(above=0)] = 1.0,
        hidden: Annotated[int, Range(least=1)] = 256,
        weigh: bool = True,
    ) -> None:
        super().__init__(encoder, facts)
        self.critic = critic(encoder.width * len(facts.classes), hidden)
        self.strength, self.weigh = strength, weigh

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """The critic's cross entropy; no gradient goes through the probabilities, as in the authors' code."""
        features = torch.cat([source.features, target.features])  # [2n, D]
        shares = torch.cat([source.logits, target.logits]).detach().float().softmax(dim=1)  # [2n, C]
        products = (shares.to(features)[:, :, None] * features[:, None]).flatten(1)  # [2n, C·D]
        reversed_ = reverse_gradient(products, self.strength * reversal_strength(progress.done))
        own, other = self.critic(reversed_).squeeze(1).chunk(2)
        if not self.weigh:
            return domain_confusion(own, other)
        weights = (1 + torch.exp(-entropy(shares))).chunk(2)
        return domain_confusion(own, other, source_weights=weights[0], target_weights=weights[1])
