"""What is done with an encoder once it is trained."""

from headstart.transfer.adapting import Adaptation, Adapted, Scores, adapt_between, answers, score
from headstart.transfer.diagnosing import Shift, Side, advise, find_shifts
from headstart.transfer.embeddings import (
    Embeddings,
    count_embeddings,
    join_embeddings,
    read_embeddings,
    write_embeddings,
)
from headstart.transfer.finetuning import (
    CachedViews,
    FineTuning,
    FineTuningRecipe,
    HeadScores,
    Parts,
    Tuned,
    fine_tune,
    parts_of,
)
from headstart.transfer.mapped import Mapped, read_mapped, write_mapped
from headstart.transfer.mapping import Drawing, check_drawable, check_placeable, draw_items, place_items
from headstart.transfer.pairing import Pair, pair
from headstart.transfer.predicting import Answers, Predictor, check_shape, load_predictor, overlapping
from headstart.transfer.reconstructing import (
    Reconstructed,
    Shown,
    gives_back,
    load_reconstructor,
    reconstruct_items,
)
from headstart.transfer.suggesting import Candidates, Pick, suggest_items

__all__ = [
    "Adaptation",
    "Adapted",
    "Answers",
    "CachedViews",
    "Candidates",
    "Drawing",
    "Embeddings",
    "FineTuning",
    "FineTuningRecipe",
    "HeadScores",
    "Mapped",
    "Pair",
    "Parts",
    "Pick",
    "Predictor",
    "Reconstructed",
    "Scores",
    "Shift",
    "Shown",
    "Side",
    "Tuned",
    "adapt_between",
    "advise",
    "answers",
    "check_drawable",
    "check_placeable",
    "check_shape",
    "count_embeddings",
    "draw_items",
    "find_shifts",
    "fine_tune",
    "gives_back",
    "join_embeddings",
    "load_predictor",
    "load_reconstructor",
    "overlapping",
    "pair",
    "parts_of",
    "place_items",
    "read_embeddings",
    "read_mapped",
    "reconstruct_items",
    "score",
    "suggest_items",
    "write_embeddings",
    "write_mapped",
]
