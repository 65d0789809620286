"""What is done with an encoder once it is trained."""

from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping

__all__ = ["Answers", "Predictor", "check_shape", "load_predictor", "overlapping"]
