"""What is done with an encoder once it is trained."""

from headstart.transfer.adapting import Adaptation, Adapted, Scores, adapt_between, answers
from headstart.transfer.diagnosing import Shift, advise, find_shifts
from headstart.transfer.embeddings import Embeddings, read_embeddings
from headstart.transfer.pairing import Pair, pair
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping
from headstart.transfer.suggesting import Candidates, Pick, suggest_items

__all__ = [
    "Adaptation",
    "Adapted",
    "Answers",
    "Candidates",
    "Embeddings",
    "Pair",
    "Pick",
    "Predictor",
    "Scores",
    "Shift",
    "adapt_between",
    "advise",
    "answers",
    "check_shape",
    "find_shifts",
    "load_predictor",
    "overlapping",
    "pair",
    "read_embeddings",
    "suggest_items",
]
