"""What is done with an encoder once it is trained."""

from headstart.transfer.diagnosing import Shift, advise, find_shifts
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping

__all__ = [
    "Answers",
    "Predictor",
    "Shift",
    "advise",
    "check_shape",
    "find_shifts",
    "load_predictor",
    "overlapping",
]
