from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from headstart.contracts import Recipe
from headstart.errors import InputError
from headstart.training import TrainSettings, plan_steps

RECIPE = Recipe(optimizer="lars", lr=0.3, lr_batch=256, weight_decay=1e-6, batch_size=512, epochs=40, warmup_epochs=10)


def test_the_recipe_stands_where_the_user_says_nothing():
    plan = plan_steps(TrainSettings(), RECIPE, items=5200)
    assert (plan.batch_size, plan.steps_per_epoch, plan.steps, plan.epochs) == (512, 10, 400, 40)
    assert (plan.optimizer, plan.weight_decay, plan.momentum) == ("lars", 1e-6, 0.9)
    assert plan.lr == pytest.approx(0.6)
    assert plan.warmup_steps == 40, "ten epochs would be a quarter of the run"


def test_the_user_stands_above_the_recipe():
    chosen = TrainSettings(epochs=3, batch_size=100, lr=0.02, weight_decay=0.0, momentum=0.5, warmup_epochs=1.5)
    plan = plan_steps(chosen, RECIPE, items=1000)
    assert (plan.steps, plan.lr, plan.weight_decay, plan.momentum, plan.warmup_steps) == (30, 0.02, 0.0, 0.5, 15)


def test_another_optimiser_doesnt_inherit_the_recipes_numbers():
    plan = plan_steps(TrainSettings(optimizer="adamw"), RECIPE, items=5200)
    assert (plan.lr, plan.weight_decay, plan.betas) == (1e-3, 1e-4, (0.9, 0.999))


def test_without_a_recipe_the_rules_hold():
    plan = plan_steps(TrainSettings(), Recipe(), items=2560)
    assert (plan.optimizer, plan.batch_size, plan.epochs, plan.steps) == ("adamw", 256, 100, 1000)


def test_the_remainder_of_an_epoch_is_dropped():
    assert plan_steps(TrainSettings(batch_size=64, epochs=2), Recipe(), items=200).steps == 6


def test_steps_stand_instead_of_epochs():
    plan = plan_steps(TrainSettings(batch_size=10, steps=25), RECIPE, items=100)
    assert (plan.steps, plan.epochs, plan.epoch(24)) == (25, 3, 2)
    with pytest.raises(InputError, match=r"--steps and --epochs"):
        plan_steps(TrainSettings(steps=5, epochs=1), RECIPE, items=100)


def test_a_small_set_gets_a_smaller_batch_and_says_so():
    plan = plan_steps(TrainSettings(accumulate=2), Recipe(), items=61, world_size=2)
    assert plan.batch_size == 60
    assert plan.notes == ("There are 61 items to learn from, so a batch has 60 instead of 256.",)


@pytest.mark.parametrize("items", [0, 1, 3])
def test_too_few_items_are_refused(items):
    with pytest.raises(InputError, match=f"{items} items"):
        plan_steps(TrainSettings(), Recipe(), items=items, world_size=4)


def test_a_batch_that_processes_cant_share_is_refused_naming_both():
    with pytest.raises(InputError, match=r"--batch-size 100 .* 3 processes.* multiple of 3"):
        plan_steps(TrainSettings(batch_size=100), Recipe(), items=1000, world_size=3)
    with pytest.raises(InputError, match=r"2 processes times 4 parts"):
        plan_steps(TrainSettings(batch_size=100, accumulate=4), Recipe(), items=1000, world_size=2)


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(InputError, match=r"--warmup-epochs 5"):
        plan_steps(TrainSettings(epochs=4, warmup_epochs=5), Recipe(), items=1000)


@pytest.mark.parametrize("steps", [1, 7, 200, 399, 401, 10_000])
def test_logging_is_bounded_and_health_is_looked_at_on_logged_steps(steps):
    plan = plan_steps(TrainSettings(steps=steps), Recipe(), items=2560)
    logged = {done for done in range(1, steps + 1) if plan.logs(done)}
    watched = {done for done in range(1, steps + 1) if plan.watches(done)}
    assert {1, steps} <= logged
    assert steps in watched <= logged
    assert len(logged) <= 402
    assert len(watched) <= 42


def test_a_plan_is_json():
    plan = plan_steps(TrainSettings(), RECIPE, items=5200)
    assert json.loads(json.dumps(asdict(plan)))["steps"] == 400


@pytest.mark.parametrize(
    ("wrong", "flag"),
    [
        ({"epochs": 0}, "--epochs 0"),
        ({"batch_size": -1}, "--batch-size -1"),
        ({"lr": 0.0}, "--lr 0.0"),
        ({"lr": float("nan")}, "--lr nan"),
        ({"momentum": 1.0}, "--momentum 1.0"),
        ({"optimizer": "adam"}, "--optimizer adam"),
        ({"precision": "int8"}, "--precision int8"),
        ({"checkpoint_seconds": -1.0}, "--checkpoint-seconds -1.0"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_flag(wrong, flag):
    with pytest.raises(InputError, match=flag):
        TrainSettings(**wrong)
