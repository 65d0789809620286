"""What is done with an encoder once it is trained."""

from headstart.transfer.adapting import Adaptation, Adapted, Scores, adapt_between, answers, score
from headstart.transfer.diagnosing import Shift, advise, find_shifts
from headstart.transfer.embeddings import Embeddings, read_embeddings
from headstart.transfer.finetuning import (
    HEAD_ONLY,
    CachedViews,
    FineTuning,
    FineTuningRecipe,
    HeadScores,
    Parts,
    Tuned,
    fine_tune,
    parts_of,
)
from headstart.transfer.pairing import Pair, pair
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping
from headstart.transfer.reconstructing import Reconstructed, load_reconstructor, reconstruct_items
from headstart.transfer.suggesting import Candidates, Pick, suggest_items

__all__ = [
    "HEAD_ONLY",
    "Adaptation",
    "Adapted",
    "Answers",
    "CachedViews",
    "Candidates",
    "Embeddings",
    "FineTuning",
    "FineTuningRecipe",
    "HeadScores",
    "Pair",
    "Parts",
    "Pick",
    "Predictor",
    "Reconstructed",
    "Scores",
    "Shift",
    "Tuned",
    "adapt_between",
    "advise",
    "answers",
    "check_shape",
    "find_shifts",
    "fine_tune",
    "load_predictor",
    "load_reconstructor",
    "overlapping",
    "pair",
    "parts_of",
    "read_embeddings",
    "reconstruct_items",
    "score",
    "suggest_items",
]
