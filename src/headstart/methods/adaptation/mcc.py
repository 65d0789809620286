"""MCC: the target's items are each taken for one class; nothing is aligned.

Jin et al. 2020, arXiv 1912.03699. Shapes: n items of each domain in this process, C classes.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Facts, Progress
from headstart.losses import class_confusion
from headstart.methods.adaptation.adapter import Adapter, Domain
from headstart.settings import Range


class MCC(Adapter):
    """Classes share as little probability as they can over a batch of the target (minimum class confusion).

    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.

    Args:
        weight: How much the confusion counts beside the source's cross entropy.
        temperature: By which logits are divided before their classes are compared.
    """

    compares_items = True

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        weight: Annotated[float, Range(above=0)] = 1.0,
        temperature: Annotated[float, Range(above=0)] = 2.5,
    ) -> None:
        super().__init__(encoder, facts)
        self.weight, self.temperature = weight, temperature

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """The target's confusion; the source's features play no part in it."""
        return self.weight * class_confusion(target.logits, temperature=self.temperature)
