"""What is done with an encoder once it is trained."""

from headstart.transfer.adapting import Adaptation, Adapted, Scores, adapt_between, answers
from headstart.transfer.pairing import Pair, pair
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping

__all__ = [
    "Adaptation",
    "Adapted",
    "Answers",
    "Pair",
    "Predictor",
    "Scores",
    "adapt_between",
    "answers",
    "check_shape",
    "load_predictor",
    "overlapping",
    "pair",
]
