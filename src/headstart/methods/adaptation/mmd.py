"""MMD: features and outputs of source and target have the same means under several Gaussian kernels.

Long et al. 2015, arXiv 1502.02791 (DAN), which does so in every layer from the features on.
Shapes: n items of each domain in this process, D features, C classes.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Facts, Progress
from headstart.losses import mmd
from headstart.methods.adaptation.adapter import Adapter, Domain
from headstart.settings import Range


class MMD(Adapter):
    """Source and target look like samples of one distribution to a family of kernels, in features and outputs.

    The kernels count alike; the paper's learned weights are left out.
    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.

    Args:
        weight: λ of the squared discrepancies.
    """

    compares_items = True

    def __init__(self, encoder: Encoder, facts: Facts, *, weight: Annotated[float, Range(above=0)] = 5.0) -> None:
        super().__init__(encoder, facts)
        self.weight = weight

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """λ times the sum of both layers' squared discrepancies."""
        return self.weight * (mmd(source.features, target.features) + mmd(source.logits, target.logits))
