"""The heads every representation is judged with, in the order that breaks ties."""

from headstart.evaluation.heads.head import FittedHead, Head, Labelled, Trial
from headstart.evaluation.heads.knn import KNN, FittedKNN
from headstart.evaluation.heads.linear import FittedLinear, Linear
from headstart.evaluation.heads.propagation import FittedPropagation, Propagation

HEADS: dict[str, Head] = {head.name: head for head in (Propagation(), Linear(), KNN())}

FITTED: dict[str, type[FittedHead]] = {
    "propagation": FittedPropagation,
    "linear": FittedLinear,
    "knn": FittedKNN,
}
"""By name: the class whose `from_state` rebuilds a stored head."""

__all__ = ["FITTED", "HEADS", "FittedHead", "Head", "Labelled", "Trial"]
