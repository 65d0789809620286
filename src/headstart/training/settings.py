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


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """The settings of training. Raises `InputError` naming the flag where one is out of range."""

    epochs: Annotated[int, Range(least=1)] | None = None
    """Passes over the training items."""
    batch_size: Annotated[int, Range(least=1)] | None = None
    """Items a step, over all processes together."""
    steps: Annotated[int, Range(least=1)] | None = None
    """Optimiser steps, instead of epochs."""
    optimizer: Optimizer | None = None
    lr: Annotated[float, Range(above=0)] | None = None
    """Peak learning rate, used as it is whatever the batch."""
    weight_decay: Annotated[float, Range(least=0)] | None = None
    momentum: Annotated[float, Range(least=0, below=1)] | None = None
    """Of sgd and lars."""
    warmup_epochs: Annotated[float, Range(least=0)] | None = None
    """Epochs in which the learning rate rises from zero."""
    accumulate: Annotated[int, Range(least=1)] = 1
    """Parts a batch is computed in, one after the other, to save memory."""
    precision: Precision = "auto"
    """auto: float32 on a CPU, bfloat16 on a GPU that has it."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    seed: Annotated[int, Range(least=0)] = 0
    deterministic: bool = False
    """Same bits twice on CUDA too, which is slower."""
    checkpoint_seconds: Annotated[float, Range(least=0)] = 30.0
    """Time between checkpoints; 0: after every step."""
    health: bool = True
    """Watch for collapse while learning without labels."""

    def __post_init__(self) -> None:
        check(TrainSettings, asdict(self))
