"""One formula a file: pure functions of projections that know nothing of networks or training."""

from headstart.losses.infonce import info_nce
from headstart.losses.ntxent import nt_xent
from headstart.losses.regression import normalized_l2

__all__ = ["info_nce", "normalized_l2", "nt_xent"]
