"""Fine-tuning: what is trained, on what, which weights are kept, and what they are worth."""

from headstart.transfer.finetuning.parts import Parts, parts_of
from headstart.transfer.finetuning.scores import HeadScores
from headstart.transfer.finetuning.tuning import HEAD_ONLY, FineTuning, Tuned, fine_tune

__all__ = ["HEAD_ONLY", "FineTuning", "HeadScores", "Parts", "Tuned", "fine_tune", "parts_of"]
