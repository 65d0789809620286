"""The heads every representation is judged with, in the order that breaks ties."""

from headstart.evaluation.heads.calibration import fit_temperature, tempered
from headstart.evaluation.heads.files import FITTED, StoredHead, classifier_head, has_classifier, load_head, save_head
from headstart.evaluation.heads.head import FittedHead, Head, HeldOut, Labelled, Trial
from headstart.evaluation.heads.knn import KNN
from headstart.evaluation.heads.linear import Linear
from headstart.evaluation.heads.propagation import Propagation

HEADS: dict[str, Head] = {head.name: head for head in (Propagation(), Linear(), KNN())}

__all__ = [
    "FITTED",
    "HEADS",
    "FittedHead",
    "Head",
    "HeldOut",
    "Labelled",
    "StoredHead",
    "Trial",
    "classifier_head",
    "fit_temperature",
    "has_classifier",
    "load_head",
    "save_head",
    "tempered",
]
