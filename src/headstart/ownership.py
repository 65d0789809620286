"""Folders that belong to one command: known again by the settings in their record, and never given to another.

folder, lock = Owned("run", "run.json").claim(path, settings, explicit=False)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.errors import InputError
from headstart.lock import FileLock
from headstart.settings import flag
from headstart.terminal import note


@dataclass(frozen=True)
class Owned:
    """A kind of folder."""

    holds: str
    """What is in it, as people call it: a run."""
    record: str
    """The JSON file whose `settings` say whose it is."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Settings that are no flags, as people call them."""
    growing: Sequence[str] = ()
    """Settings that may be larger than those that are there."""
    grouped: Sequence[str] = ()
    """Settings that hold settings of their own, none of which is `growing`."""
    hint: str = "Name another folder with -o."

    def claim(
        self, path: Path | str, settings: Mapping[str, Any], *, explicit: bool, restart: bool = False
    ) -> tuple[Path, FileLock]:
        """The folder for these settings, made with its parents where it is missing, and the lock that is held on it.

        Args:
            settings: JSON values, which the caller writes into the record.
            explicit: The user named this folder. Otherwise one that is not for these settings is left alone and `-2`,
                `-3` … is taken, and said so.
            restart: Take the folder whatever its settings were.

        Raises:
            InputError: The folder is in use, can't be written, is a file, has files that are of another kind, or
                (where it is explicit) has other settings.
        """
        first = wanted = Path(path).absolute()
        for number in range(2, 1000):
            reason = self._objection(wanted, settings, restart)
            if reason is None:
                break
            if explicit:
                raise InputError(reason)
            wanted = first.with_name(f"{first.name}-{number}")
        if wanted != first:
            note(f"{first} has another {self.holds}: this one goes to {wanted}.")
        held = _locked(wanted)
        if reason := self._objection(wanted, settings, restart):
            held.release()
            raise InputError(reason)
        return wanted, held

    def read(self, path: Path) -> dict[str, Any]:
        """The record in a folder, empty where there is none."""
        record = path / self.record
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(f"{record} can't be read: begin anew in another folder with -o.") from error
        if not isinstance(content, dict):
            raise InputError(f"{record} isn't a {self.holds}'s record: name another folder with -o.")
        return content

    def _objection(self, path: Path, settings: Mapping[str, Any], restart: bool) -> str | None:
        """Why what has these settings can't be kept in `path`, or None."""
        if path.exists() and not path.is_dir():
            return f"{path} is a file: name a folder with -o."
        if not path.is_dir():
            return None
        if not (path / self.record).exists():
            strangers = [entry.name for entry in path.iterdir() if not entry.name.startswith(".")]
            hint = "name an empty or a new folder with -o."
            return f"{path} has files that are no {self.holds}: {hint}" if strangers else None
        if restart:
            return None
        different = self._differences(self.read(path).get("settings", {}), settings, self.growing)
        if not different:
            return None
        return f"{path} has a {self.holds} with other settings: {', '.join(different)}.\n{self.hint}"

    def _differences(self, before: Mapping[str, Any], after: Mapping[str, Any], growing: Sequence[str]) -> list[str]:
        """The settings in which `after` is not what `before` is, as people say them."""
        found = []
        for name in sorted({*before, *after}):
            old, new = before.get(name), after.get(name)
            if name in self.grouped:
                found += self._differences(old or {}, new or {}, growing=())
                continue
            grown = isinstance(old, int | float) and isinstance(new, int | float) and new >= old
            if old != new and not (name in growing and grown):
                found.append(f"{self.names.get(name) or flag(name)} {_said(new)} (there {_said(old)})")
        return found


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


def _said(value: object) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
