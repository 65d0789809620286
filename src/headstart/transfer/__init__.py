"""What is done with an encoder once it is trained."""

from headstart.transfer.diagnosing import Shift, advise, find_shifts
from headstart.transfer.embeddings import Embeddings, read_embeddings
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping
from headstart.transfer.suggesting import Candidates, Pick, suggest_items

__all__ = [
    "Answers",
    "Candidates",
    "Embeddings",
    "Pick",
    "Predictor",
    "Shift",
    "advise",
    "check_shape",
    "find_shifts",
    "load_predictor",
    "overlapping",
    "read_embeddings",
    "suggest_items",
]
