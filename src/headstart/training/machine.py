"""What a run computes on: device, precision, memory layout, threads. Fixed rules, so that the bits are too."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import torch
from torch import nn

import headstart
from headstart.errors import InputError
from headstart.training import allocator
from headstart.training.settings import TrainSettings

MOST_THREADS = 32


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where and how a run computes; what decides its bits beside data, settings and seed."""

    device: torch.device
    precision: str
    threads: int
    processes: int = 1
    deterministic: bool = False

    def describe(self) -> dict[str, object]:
        """For run.json."""
        return {**asdict(self), "device": str(self.device), "torch": torch.__version__, "system": platform.platform()}

    @property
    def dtype(self) -> torch.dtype:
        """The type that autocast computes in."""
        return getattr(torch, self.precision)  # type: ignore[no-any-return]

    def autocast(self) -> torch.autocast:
        """The forward pass runs inside."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.precision != "float32")

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Threads, allocator and determinism as the run wants them; threads, determinism, and the random numbers of the
        CPU and of a CUDA device are put back after.
        """
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        allocator.keep_pages()
        torch.set_num_threads(self.threads)
        if self.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        try:
            with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
                yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)


def find_machine(settings: TrainSettings, processes: int = 1, threads: int | None = None) -> Machine:
    """The machine for these settings; `threads` where a run that is gone on with has used another number.

    Raises:
        InputError: The device isn't there, or it doesn't have the precision.
    """
    device = choose_device(settings.device)
    return Machine(
        device=device,
        precision=choose_precision(settings.precision, device),
        threads=threads or available_threads(),
        processes=processes,
        deterministic=settings.deterministic,
    )


def choose_device(name: str) -> torch.device:
    """The device called `name`; auto takes a GPU where there is one, each process its own."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"--device {name} is not known: choose auto, cpu, cuda, cuda:N or mps.") from error
    if device.type == "cpu":
        return torch.device("cpu")
    if device.type == "mps" and torch.backends.mps.is_available():
        return device
    if device.type != "cuda" or not torch.cuda.is_available():
        raise InputError(f"--device {name} is not there on this machine: choose cpu, or auto.")
    number = int(os.environ.get("LOCAL_RANK", "0")) if device.index is None else device.index
    if number >= torch.cuda.device_count():
        raise InputError(f"--device {name}: this machine has {torch.cuda.device_count()} GPUs, counted from 0.")
    return torch.device("cuda", number)


def choose_precision(name: str, device: torch.device) -> str:
    """The precision called `name`; auto is float32 on a CPU, whose matrix products it was faster in."""
    if name == "auto":
        return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    if name == "float16" and device.type == "cpu":
        raise InputError("--precision float16 needs a GPU: choose float32 or bfloat16.")
    return name


def available_threads() -> int:
    """`OMP_NUM_THREADS` where the user set it, else this process's share of the cores it may run on."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0 and local == 1:
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores // local, MOST_THREADS))


def memory_format(module: nn.Module) -> torch.memory_format:
    """channels_last for networks that convolve pictures, which is faster on CPUs and GPUs alike."""
    convolves = any(isinstance(part, nn.Conv2d) for part in module.modules())
    return torch.channels_last if convolves else torch.contiguous_format


def versions() -> dict[str, str]:
    """Of everything that computes."""
    return {"headstart": headstart.__version__, "python": platform.python_version(), "torch": torch.__version__}
