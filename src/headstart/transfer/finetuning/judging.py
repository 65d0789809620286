"""The judge of fine-tuning: how good weights are on items that nothing learns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from headstart.data import Dataset
from headstart.methods.method import Method
from headstart.transfer.answering import logits_of


@dataclass(frozen=True)
class HeldOutJudge:
    """Chooses by cross entropy in evaluation mode, which is finer than accuracy on a few items; or by accuracy."""

    data: Dataset
    index: Tensor
    """int64 m."""
    patience: int | None
    by: Literal["loss", "accuracy"] = "loss"
    counts_start: bool = True
    """Whether the network may be kept as it was before its first step."""

    @cached_property
    def labels(self) -> Tensor:
        """int64 m."""
        return self.data.labels[self.index]

    def look(self, method: Method) -> dict[str, float]:
        """What it chooses by, the higher the better; then the loss and the accuracy."""
        logits = logits_of(method, self.data, self.index)
        loss = float(F.cross_entropy(logits, self.labels))
        accuracy = float((logits.argmax(dim=1) == self.labels).double().mean())
        score = -loss if self.by == "loss" else accuracy
        return {"held_out_score": score, "held_out_loss": loss, "held_out_accuracy": accuracy}
