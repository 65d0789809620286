"""The contract between a learning objective and the training loop."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from headstart.backbones import Encoder
from headstart.contracts import Draw, Facts, Losses, Progress, Recipe, Views


class Method(nn.Module):
    """One learning objective, which owns the encoder that is kept when training ends.

    A subclass sets what it needs and implements `views` and `loss`; its constructor's keyword arguments are its
    settings. It knows nothing of the loop, the device, the number of processes or the log.
    """

    encoder: Encoder
    streams: tuple[str, ...] = ("data",)
    """The data sets it learns from at once: the first sets the epochs, and only its labels are ever shown."""
    recipe: Recipe = Recipe()
    compares_items: bool = False
    """The loss relates items of a batch to each other, so accumulating smaller batches would change it."""
    uses_labels: bool = False
    uses_views: bool = True
    """What it shows depends on the named set of views; where not, naming one is refused."""
    builds_encoder: bool = False
    """It has an encoder of its own unless its `architecture` is `backbone`; the one it is given is then left aside."""
    default_backbone: str | None = None
    """The network it learns where none is named; None: what suits the items' shape."""

    def __init__(self, encoder: Encoder, facts: Facts) -> None:
        super().__init__()
        self.encoder = encoder
        self.facts = facts

    def views(self, batch: Any, draw: Draw) -> Views:
        """What each part of the method is shown: batched, on the items' device, without gradient.

        `batch` is a `Batch`; for a method of several streams a dict of one batch a stream, all of one size.
        """
        raise NotImplementedError

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Scalars by name; "loss" is minimised, the rest is logged."""
        raise NotImplementedError

    def after_step(self, progress: Progress) -> None:
        """Called once after every optimiser step: teachers, queues, banks."""

    def kept_encoder(self) -> Encoder:
        """The encoder in the form it is stored in, asked for once training is over; default: as it is."""
        return self.encoder

    def param_groups(self) -> list[dict[str, object]]:
        """Trainable parameters for the optimiser; norms, biases and other vectors get no weight decay."""
        matrices: list[Tensor] = []
        vectors: list[Tensor] = []
        for parameter in self.parameters():
            if parameter.requires_grad:
                (matrices if parameter.ndim > 1 else vectors).append(parameter)
        groups: list[dict[str, object]] = []
        if matrices:
            groups.append({"params": matrices})
        if vectors:
            groups.append({"params": vectors, "weight_decay": 0.0})
        return groups
