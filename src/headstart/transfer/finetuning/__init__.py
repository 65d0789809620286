"""Fine-tuning: what is trained, on what, which weights are kept, and what they are worth."""

from headstart.transfer.finetuning.frozen import CachedViews
from headstart.transfer.finetuning.parts import Parts, parts_of
from headstart.transfer.finetuning.scores import HeadScores
from headstart.transfer.finetuning.tuning import FineTuning, FineTuningRecipe, Tuned, fine_tune, to_learn

__all__ = [
    "CachedViews",
    "FineTuning",
    "FineTuningRecipe",
    "HeadScores",
    "Parts",
    "Tuned",
    "fine_tune",
    "parts_of",
    "to_learn",
]
