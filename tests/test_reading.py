"""The settings of reading are declared once: every verb that takes data has them, explained, checked and as flags."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import pytest

import headstart
from headstart import cli
from headstart.errors import InputError
from headstart.reading import Reading
from headstart.settings import check, shared_settings

VERBS = ("look", "compare", "pretrain", "adapt", "evaluate", "embed", "predict")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_takes_data_has_them_as_flags(verb):
    function = getattr(headstart, verb)
    assert shared_settings(function) is Reading
    command = cli.as_command(function, None, {})
    assert set(Reading.__annotations__) < set(inspect.signature(command).parameters)


def test_each_is_explained():
    told = inspect.getdoc(Reading).partition("Args:\n")[2]
    assert [line.partition(":")[0].strip() for line in told.splitlines()] == list(Reading.__annotations__)
    assert told in cli.as_command(headstart.look, None, {}).__doc__ + "\n"


def test_names_that_nothing_reads_are_refused_from_python():
    with pytest.raises(InputError, match=r"--alow-skips: .*allow_skips"):
        headstart.load("digits", alow_skips=True)
    with pytest.raises(InputError, match="--sise"):
        headstart.look("digits", sise=8)
    with pytest.raises(InputError, match="--temprature: SimCLR"):
        headstart.pretrain("simclr", "digits", temprature=0.1)


def test_limits_hold_for_settings_that_are_shared():
    def alone(**reading: Annotated[Any, Reading]) -> None: ...

    check(alone, {"size": 64, "a_methods_own": 1})
    with pytest.raises(InputError, match="--size 4 is out of range"):
        check(alone, {"size": 4})
