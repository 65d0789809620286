"""A run folder: whose it is, what stands in it, and in which state its run is.

`compare` keeps its own folder the same way, with other settings.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from headstart import atomic
from headstart.errors import InputError, Interrupted
from headstart.lock import FileLock
from headstart.ownership import Owned
from headstart.terminal import agreed, note
from headstart.training.settings import GROWING, METHOD_SETTINGS, NOT_SETTINGS

RECORD = "run.json"

RUN_FILES = (
    "metrics.jsonl",
    "checkpoint.safetensors",
    "checkpoint-previous.safetensors",
    "best-*.safetensors",
    "encoder.safetensors",
    "encoder.json",
    "classifier.safetensors",
    "report.html",
)
"""What a training run writes beside run.json, by name or pattern, and `restart` removes."""

RUNS = Owned(
    "run",
    RECORD,
    names={
        "data": "data",
        "target": "target",
        "items": "training items",
        "method": "method",
        "after": "starting weights",
    },
    growing=GROWING,
    grouped=(METHOD_SETTINGS,),
    hint="Name another folder with -o, or --restart.",
)


class RunFolder:
    """A folder claimed for one run, locked until `close` or the end of the process.

    `record` is run.json as it stands, empty for a new run; `grown`, whether it is gone on with to a larger total. The
    first process of several holds the lock; the others are given path and record, and write nothing.
    """

    grown = False

    def __init__(self, path: Path, record: dict[str, Any], held: FileLock | None = None) -> None:
        self.path = path
        self.record = record
        self._lock = held

    @classmethod
    def claim(
        cls,
        path: Path | str,
        settings: Mapping[str, object],
        *,
        explicit: bool = True,
        restart: bool = False,
        contents: Sequence[str] = RUN_FILES,
    ) -> RunFolder:
        """Opens `path` for a run with these settings, making it and its parents where they are missing.

        Args:
            settings: What a run is recognised by: JSON values; those named in `NOT_SETTINGS` are left out.
            explicit: The user named this folder. Otherwise one with another run is left alone and `-2`, `-3` … is
                taken, and said so.
            restart: Forget the run in this folder and begin anew, whatever its settings were; a person at the
                terminal is asked first.
            contents: Files and folders that `restart` removes, by name or pattern.

        Raises:
            InputError: The folder is in use, can't be written, is a file, has files that are no run, or (where it is
                explicit) has a run with other settings; or the person would rather keep the run.
        """
        settings = json.loads(json.dumps({k: v for k, v in settings.items() if k not in NOT_SETTINGS}))
        taken, held = RUNS.claim(path, settings, explicit=explicit, restart=restart)
        folder = cls(taken, RUNS.read(taken), held)
        if restart and folder.record:
            if agreed(f"{taken} has a run that is {folder.state}: forget it and begin anew?") is False:
                folder.close()
                raise InputError(f"{taken} is left as it is: without --restart it is gone on with.")
            folder._clear(contents)
        folder.grown = folder.record.get("settings", settings) != settings
        folder.update(settings=settings, state=folder.state or "running")
        return folder

    @property
    def state(self) -> str | None:
        """running, done, failed or stopped; None for a new folder."""
        return self.record.get("state")

    def update(self, **fields: object) -> None:
        """Changes fields of run.json, in one move; nothing in a folder that another process holds for this one."""
        if self._lock is None:
            return
        self.record = {**self.record, **fields}
        atomic.write_json(self.path / RECORD, self.record)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keeps the state while a run goes on inside: running, then stopped or failed where it ends by an exception.

        That it is done is for the run to say, with `finish`.
        """
        self.update(state="running", why=None, started=self.record.get("started") or now())
        try:
            yield
        except (Interrupted, KeyboardInterrupt) as error:
            self.update(state="stopped", why=str(error) or "interrupted", ended=now())
            raise
        except BaseException as error:
            self._fail(error)
            raise

    def finish(self, **fields: object) -> None:
        """Says that the run is done, with its results."""
        self.update(state="done", why=None, ended=now(), **fields)

    def close(self) -> None:
        """Gives the folder free for others."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fail(self, error: BaseException) -> None:
        """Records a failure; where even that can't be written, the failure itself is what the user must hear of."""
        try:
            self.update(state="failed", why=str(error) or type(error).__name__, ended=now())
        except OSError:
            note(f"{self.path / RECORD} could not be written.")

    def _clear(self, contents: Sequence[str]) -> None:
        for target in [found for pattern in contents for found in self.path.glob(pattern)]:
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        (self.path / RECORD).unlink(missing_ok=True)
        self.record = {}


def now() -> str:
    """The date and time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
