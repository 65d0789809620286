"""Deep CORAL: the classifier's outputs have the same covariance on either domain.

Sun and Saenko 2016, arXiv 1607.01719. Shapes: n items of each domain in this process, C classes.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Facts, Progress
from headstart.losses import coral
from headstart.methods.adaptation.adapter import Adapter, Domain
from headstart.settings import Range


class CORAL(Adapter):
    """Source and target have the same covariance where the paper aligns it, in the classifier's outputs.

    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.

    Args:
        weight: λ of the distance between the covariances.
    """

    compares_items = True

    def __init__(self, encoder: Encoder, facts: Facts, *, weight: Annotated[float, Range(above=0)] = 10.0) -> None:
        super().__init__(encoder, facts)
        self.weight = weight

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """λ times the distance."""
        return self.weight * coral(source.logits, target.logits)
