"""How to train: what a user may set, whatever the method. None leaves it to the method's recipe or `plan`'s rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from headstart.settings import Range, check

Optimizer = Literal["adamw", "sgd", "lars"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]

NOT_SETTINGS = ("json", "quiet", "debug", "checkpoint_seconds", "download", "restart", "workers")
"""What may differ when a run is gone on with: none of it changes a result."""

GROWING = ("epochs", "steps")
"""What may be larger when a run is gone on with: it then continues to the new total."""

METHOD_SETTINGS = "method_settings"
"""The key of a method's own settings among those that a run is recognised by."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """The settings of training, flags of every verb that trains.

    Raises `InputError` naming the flag where one is out of range.

    Args:
        epochs: Passes over the items that are learned from; of several streams, the first.
        steps: Optimiser steps, instead of epochs.
        batch_size: Items a step, over all processes together.
        accumulate: Parts a batch is computed in, to save memory, where the method allows it.
        optimizer: adamw, sgd or lars.
        lr: Peak learning rate, used as it is whatever the batch; of the head, where an encoder is fine-tuned.
        weight_decay: Of matrices; norms and biases have none.
        momentum: Of sgd and lars.
        warmup_epochs: Epochs in which the learning rate rises from zero.
        seed: Of initialisation, order and views.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of the arithmetic; auto: float32 on a CPU, bfloat16 on a GPU that has it.
        deterministic: Same bits twice on CUDA too, which is slower.
        checkpoint_seconds: Time between checkpoints; 0: after every step.
    """

    epochs: Annotated[int, Range(least=1)] | None = None
    steps: Annotated[int, Range(least=1)] | None = None
    batch_size: Annotated[int, Range(least=1)] | None = None
    accumulate: Annotated[int, Range(least=1)] = 1
    optimizer: Optimizer | None = None
    lr: Annotated[float, Range(above=0)] | None = None
    weight_decay: Annotated[float, Range(least=0)] | None = None
    momentum: Annotated[float, Range(least=0, below=1)] | None = None
    warmup_epochs: Annotated[float, Range(least=0)] | None = None
    seed: Annotated[int, Range(least=0)] = 0
    device: str = "auto"
    precision: Precision = "auto"
    deterministic: bool = False
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0

    def __post_init__(self) -> None:
        check(TrainSettings, asdict(self))
