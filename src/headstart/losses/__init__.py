"""One formula a file: pure functions of projections that know nothing of networks or training."""

from headstart.losses.bernoulli import binary_cross_entropy
from headstart.losses.confusion import class_confusion, entropy
from headstart.losses.covariance import coral
from headstart.losses.discrepancy import mmd
from headstart.losses.domains import domain_confusion
from headstart.losses.infonce import info_nce
from headstart.losses.ntxent import nt_xent
from headstart.losses.regression import normalized_l2
from headstart.losses.reversal import reversal_strength, reverse_gradient

__all__ = [
    "binary_cross_entropy",
    "class_confusion",
    "coral",
    "domain_confusion",
    "entropy",
    "info_nce",
    "mmd",
    "normalized_l2",
    "nt_xent",
    "reversal_strength",
    "reverse_gradient",
]
