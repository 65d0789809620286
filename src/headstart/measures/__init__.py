"""The health of a representation, from features alone: pure functions."""

from headstart.measures.collapse import is_collapsed, spread
from headstart.measures.density import neighbourhood_density
from headstart.measures.rank import rank_me
from headstart.measures.sphere import alignment, uniformity

__all__ = ["alignment", "is_collapsed", "neighbourhood_density", "rank_me", "spread", "uniformity"]
