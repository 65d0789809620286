"""The settings of reading and of training are declared once: the verbs have them, explained, checked and as flags."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Annotated, Any

import pytest

import headstart
from headstart import cli
from headstart.errors import InputError
from headstart.methods.joint_embedding.byol import BYOL
from headstart.methods.joint_embedding.simclr import SimCLR
from headstart.reading import Reading
from headstart.settings import OnlyWith, check, parted, shared_settings
from headstart.training import TrainSettings
from headstart.verbs.finetune import refuse

VERBS = ("look", "compare", "pretrain", "adapt", "evaluate", "embed", "predict")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_takes_data_has_them_as_flags(verb):
    function = getattr(headstart, verb)
    assert Reading in shared_settings(function)
    command = cli.as_command(function, None, {})
    assert set(Reading.__annotations__) < set(inspect.signature(command).parameters)


@pytest.mark.parametrize("verb", ["pretrain", "adapt", "finetune"])
def test_every_verb_that_trains_has_those_of_training_with_their_defaults(verb):
    parameters = inspect.signature(cli.as_command(getattr(headstart, verb), None, {})).parameters
    defaults = {field.name: field.default for field in fields(TrainSettings)}
    assert {name: parameters[name].default for name in defaults} == defaults


@pytest.mark.parametrize(("group", "verb"), [(Reading, "look"), (TrainSettings, "finetune")])
def test_each_is_explained(group, verb):
    told = inspect.getdoc(group).partition("Args:\n")[2]
    assert [line.partition(":")[0].strip() for line in told.splitlines()] == list(group.__annotations__)
    assert told in cli.as_command(getattr(headstart, verb), None, {}).__doc__ + "\n"


def test_settings_of_several_owners_are_told_apart():
    training, reading, rest = parted({"size": 32, "lr": 0.1, "temperature": 0.2}, TrainSettings, Reading)
    assert (training, reading, rest) == ({"lr": 0.1}, {"size": 32}, {"temperature": 0.2})


def test_a_methods_own_setting_comes_before_a_shared_one_of_its_name():
    flags = inspect.signature(cli.as_command(headstart.pretrain, BYOL, {})).parameters
    assert flags["momentum"].default == 0.99
    cli.check_given(headstart.pretrain, BYOL, {"momentum": 1.0, "lr": 0.1})
    with pytest.raises(InputError, match=r"--momentum 1\.0 is out of range"):
        cli.check_given(headstart.pretrain, SimCLR, {"momentum": 1.0})
    given = {"momentum": 1.0, "lr": 0.1, "size": 32}
    assert parted(given, TrainSettings, Reading, method=BYOL) == [{"lr": 0.1}, {"size": 32}, {"momentum": 1.0}]
    assert parted(given, TrainSettings, Reading, method=SimCLR) == [{"momentum": 1.0, "lr": 0.1}, {"size": 32}, {}]


def test_settings_that_are_left_out_by_name_are_no_settings():
    refuse({"epochs": None}, "{} is for a body that learns.")
    with pytest.raises(InputError, match="--epochs is for a body"):
        refuse({"lr": None, "epochs": 2}, "{} is for a body that learns.")


def test_names_that_nothing_reads_are_refused_from_python():
    with pytest.raises(InputError, match=r"--alow-skips: .*allow_skips"):
        headstart.load("digits", alow_skips=True)
    with pytest.raises(InputError, match="--sise"):
        headstart.look("digits", sise=8)
    with pytest.raises(InputError, match="--temprature: SimCLR"):
        headstart.pretrain("simclr", "digits", temprature=0.1)
    with pytest.raises(InputError, match="--epoch: "):
        headstart.finetune("efficientnet-lite0", "digits", train="head", epoch=3)


def test_limits_hold_for_settings_that_are_shared():
    def alone(**reading: Annotated[Any, Reading]) -> None: ...

    check(alone, {"size": 64, "a_methods_own": 1})
    with pytest.raises(InputError, match="--size 4 is out of range"):
        check(alone, {"size": 4})


def test_a_setting_without_effect_is_refused_by_what_was_given_or_else_by_default():
    def narrow(*, kind: str = "dense", depth: Annotated[int, OnlyWith("kind", ("dense", "deep"))] = 2) -> None: ...

    for fine in ({}, {"depth": 3}, {"kind": "deep", "depth": 3}, {"kind": "flat"}, {"kind": "flat", "depth": None}):
        check(narrow, fine)
    with pytest.raises(InputError, match=r"--depth has no effect with --kind flat; it is for dense, deep\."):
        check(narrow, {"depth": 2, "kind": "flat"})
