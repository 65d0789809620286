"""What people read while a verb runs: notes and a progress line on stderr, silenced by `--quiet`.

Results for programs go to stdout and never through here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 10.0

_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def silence(quiet: bool = True) -> Iterator[None]:
    """Notes and progress inside are not shown where `quiet` is true."""
    token = _silent.set(quiet or _silent.get())
    try:
        yield
    finally:
        _silent.reset(token)


def is_silent() -> bool:
    """Whether nothing should be shown: `--quiet`, or a process of a distributed run other than the first."""
    return _silent.get() or not is_first()


def is_first() -> bool:
    """Whether this is the process that speaks for all of a distributed run, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def note(text: str) -> None:
    """Says one line to a person."""
    if not is_silent():
        print(text, file=sys.stderr, flush=True)


def agreed(question: str) -> bool | None:
    """Whether a person at the terminal answers yes; None where nobody can be asked."""
    if is_silent() or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class Meter:
    """Shows how far a job is: a live bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, title: str, total: int, unit: str, start: int = 0) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = self.start = start
        self.began = self.spoke = time.monotonic()
        self.bar: Bar | None = None
        self.task: TaskID | None = None

    def open(self) -> None:
        """Draws the bar where there is a terminal to draw on."""
        if is_silent() or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(self.title, total=self.total, completed=self.start, rate="")
        self.bar.start()

    def update(self, done: int, rate: float, detail: str = "") -> None:
        """Reports `done` of the total at `rate` units a second."""
        self.done = done
        speed = f"{rate:,.0f} {self.unit}/s {detail}".rstrip()
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, rate=speed)
            return
        now = time.monotonic()
        if is_silent() or now - self.spoke < SECONDS_BETWEEN_LINES:
            return
        self.spoke = now
        pace = (done - self.start) / max(now - self.began, 1e-9)
        left = (self.total - done) / pace if pace else float("inf")
        note(f"{self.title}: {100 * done / max(self.total, 1):.0f} %, {speed}, {duration(left)} left")

    def close(self) -> None:
        """Takes the bar away."""
        if self.bar is not None:
            self.bar.stop()


@contextmanager
def progress(title: str, total: int, unit: str = "images", start: int = 0) -> Iterator[Meter]:
    """A meter for a job of `total` parts, `start` of which are done already."""
    meter = Meter(title, total, unit, start)
    meter.open()
    try:
        yield meter
    finally:
        meter.close()


def calling(verb: str, run: object, data: str, out: str) -> str:
    """A command that this user can give: what a verb makes of data with the network in a run folder."""
    return f"{program()} {verb} {shlex.quote(str(run))} {data} -o {out}"


def program() -> str:
    """How this user can call the command: by name where the shell finds this very one, else by its path."""
    mine = Path(sys.executable).with_name("headstart")
    found = shutil.which("headstart")
    if not mine.exists() or (found is not None and mine.samefile(found)):
        return "headstart"
    return shlex.quote(str(mine))


def runnable(command: str) -> str:
    """A recorded command line as this user can give it again."""
    return program() + command.removeprefix("headstart")


def duration(seconds: float) -> str:
    """Seconds as people say them: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds == float("inf"):
        return "an unknown time"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Bytes as people say them: `2.4 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few of many names."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
