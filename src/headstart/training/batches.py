"""Which batches a method can't learn from, or would learn something else from."""

from __future__ import annotations

from torch import nn

from headstart.errors import InputError
from headstart.methods.method import Method
from headstart.training.settings import TrainSettings


def check_batches(method: Method, settings: TrainSettings) -> None:
    """Raises `InputError` where a method in training mode relates the items of a batch, and gets too few together.

    `--accumulate` computes a batch in parts, whose losses would not have the loss of the whole as their mean; in a
    batch of one item there is nothing to relate. Batch norm that rests in evaluation mode relates nothing.
    """
    title = type(method).__name__
    if method.compares_items:
        related, parts = "compares the items of a batch", "it compares the items of a batch, and would compare fewer"
    elif any(isinstance(one, nn.modules.batchnorm._BatchNorm) and one.training for one in method.modules()):
        related = "has batch norm, which takes its statistics from the items of a batch"
        parts = "its batch norm would see smaller batches; a network with group norm can"
    else:
        return
    if settings.accumulate > 1:
        raise InputError(
            f"--accumulate would change what {title} learns: {parts}. Leave it out and lower --batch-size."
        )
    if settings.batch_size == 1:
        raise InputError(f"--batch-size 1: {title} {related}: choose 2 or more.")
