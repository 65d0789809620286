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
from headstart.settings import flag
from headstart.terminal import note
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

_NAMES = {
    "data": "data",
    "target": "target",
    "items": "training items",
    "method": "method",
    "after": "starting weights",
}
"""Settings that are no flags, as people call them."""


class RunFolder:
    """A folder claimed for one run, locked until `close` or the end of the process.

    `record` is run.json as it stands, empty for a new run. The first process of several holds the lock; the others
    are given path and record, and write nothing.
    """

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
            restart: Forget the run in this folder and begin anew, whatever its settings were.
            contents: Files and folders that `restart` removes, by name or pattern.

        Raises:
            InputError: The folder is in use, can't be written, is a file, has files that are no run, or (where it is
                explicit) has a run with other settings.
        """
        first = wanted = Path(path).absolute()
        settings = json.loads(json.dumps({k: v for k, v in settings.items() if k not in NOT_SETTINGS}))
        for number in range(2, 1000):
            reason = _objection(wanted, settings, restart)
            if reason is None:
                break
            if explicit:
                raise InputError(reason)
            wanted = first.with_name(f"{first.name}-{number}")
        if wanted != first:
            note(f"{first} has another run: this one goes to {wanted}.")
        held = _locked(wanted)
        if reason := _objection(wanted, settings, restart):
            held.release()
            raise InputError(reason)
        folder = cls(wanted, {} if restart else _read(wanted), held)
        if restart:
            folder._clear(contents)
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


def differences(before: Mapping[str, Any], after: Mapping[str, Any], growing: Sequence[str] = GROWING) -> list[str]:
    """The settings in which `after` is not the run that `before` is, as people say them."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if name == METHOD_SETTINGS:
            found += differences(old or {}, new or {}, growing=())
            continue
        grown = isinstance(old, int | float) and isinstance(new, int | float) and new >= old
        if old != new and not (name in growing and grown):
            found.append(f"{_NAMES.get(name) or flag(name)} {_said(new)} (there {_said(old)})")
    return found


def _objection(path: Path, settings: Mapping[str, object], restart: bool) -> str | None:
    """Why a run with these settings can't be kept in `path`, or None."""
    if path.exists() and not path.is_dir():
        return f"{path} is a file: name a folder with -o."
    if not path.is_dir():
        return None
    if not (path / RECORD).exists():
        strangers = [entry.name for entry in path.iterdir() if not entry.name.startswith(".")]
        return f"{path} has files that are no run: name an empty or a new folder with -o." if strangers else None
    if restart:
        return None
    different = differences(_read(path).get("settings", {}), settings)
    if not different:
        return None
    return f"{path} has a run with other settings: {', '.join(different)}.\nName another folder with -o, or --restart."


def _locked(path: Path) -> FileLock:
    """Makes the folder and takes its lock."""
    held = FileLock(path / ".lock")
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = held.take()
    except FileExistsError as error:
        raise InputError(f"{path} is a file: name a folder with -o.") from error
    except NotADirectoryError as error:
        raise InputError(f"{path} can't be made, for a part of it is a file: name another with -o.") from error
    except OSError as error:
        raise InputError(f"{path} can't be written ({error.strerror}): name another folder with -o.") from error
    if not taken:
        raise InputError(f"{path} is in use by another process: wait for it, or name another folder with -o.")
    return held


def _read(path: Path) -> dict[str, Any]:
    """run.json, empty where there is none."""
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path / RECORD} can't be read: begin anew in another folder with -o.") from error
    if not isinstance(record, dict):
        raise InputError(f"{path / RECORD} isn't a run's record: name another folder with -o.")
    return record


def _said(value: object) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
