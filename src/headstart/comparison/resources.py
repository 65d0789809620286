"""What a piece of work costs: wall time and the most memory held at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEAK_RESET = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


@dataclass
class Usage:
    """Filled when the work is done."""

    seconds: float = 0.0
    peak_memory_bytes: int = 0
    """Of the process, or of the GPU where one is used."""


@contextmanager
def measured(device: str = "cpu") -> Iterator[Usage]:
    """Measures the work inside; `device` is where the tensors live."""
    usage = Usage()
    _reset_peak(device)
    began = time.perf_counter()
    try:
        yield usage
    finally:
        usage.seconds = time.perf_counter() - began
        usage.peak_memory_bytes = _peak(device)


def _reset_peak(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif PEAK_RESET.exists():
        try:
            PEAK_RESET.write_text("5")
        except OSError:  # not allowed in some containers: the peak is then that of the process so far
            return


def _peak(device: str) -> int:
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
