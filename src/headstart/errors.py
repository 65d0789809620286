"""What can go wrong for a user, and the exit code each kind owes them.

A message is one or two plain lines: which file or setting, what is wrong, what to do about it.
"""

from __future__ import annotations


class HeadstartError(Exception):
    """A failure that is explained to the user instead of shown as a traceback (exit code 1)."""

    exit_code = 1


class InputError(HeadstartError):
    """Wrong usage or bad input: nothing was started and nothing was written (exit code 2)."""

    exit_code = 2


class RunError(HeadstartError):
    """A run that could not go on: a full disk, a loss that is not a number (exit code 1)."""


class Interrupted(HeadstartError):
    """The user or the system asked the run to stop; its state is saved (exit code 130 or 143)."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
