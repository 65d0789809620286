"""Several processes that train one model: joined when started by torchrun, absent otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from headstart.collectives import rank, world_size
from headstart.contracts import Part
from headstart.errors import HeadstartError, InputError, RunError

T = TypeVar("T")


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Inside, this process works together with the others of its torchrun, if there is one."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield
        dist.barrier()  # who left while another still wrote or answered would take its connections away
    finally:
        dist.destroy_process_group()


def my_parts(batch_size: int, accumulate: int) -> list[Part]:
    """The slices of the global batch that this process computes, one after the other."""
    size = batch_size // (world_size() * accumulate)
    first = rank() * accumulate
    return [Part(number * size, (number + 1) * size, batch_size) for number in range(first, first + accumulate)]


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of a tensor that every process has, without gradient; float64 on the CPU."""
    values = values.detach().cpu().double()
    if world_size() > 1:
        values = values.clone()
        dist.all_reduce(values)
        values /= world_size()
    return values


def from_first(make: Callable[[], T]) -> T:
    """What the first process makes, in every process; its explained failure fails them all alike."""
    if world_size() == 1:
        return make()
    parcel: list[object] = [None, None, 1]
    if rank() == 0:
        try:
            parcel[0] = make()
        except HeadstartError as error:
            parcel[1:] = [str(error), error.exit_code]
    dist.broadcast_object_list(parcel)
    if parcel[1] is not None:
        raise (InputError if parcel[2] == InputError.exit_code else RunError)(str(parcel[1]))
    return parcel[0]  # type: ignore[return-value]
