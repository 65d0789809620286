"""A run that is asked to stop finishes its step, keeps its state, and then stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Which signal asked to stop; 0 while none has."""

    def __init__(self) -> None:
        self.signal = 0

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Notes the first signal; a second one gets the system's own handling and ends the process at once."""
        self.signal = number
        for known in _SIGNALS:
            signal.signal(known, signal.SIG_DFL)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Inside, Ctrl-C and a termination are noted instead of obeyed; outside the main thread nothing changes."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.hear) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
