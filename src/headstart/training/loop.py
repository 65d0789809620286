"""The one loop: every method, every modality, one process or many."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from headstart.collectives import rank, world_size
from headstart.contracts import Losses
from headstart.errors import Interrupted, RunError
from headstart.methods.method import Method
from headstart.terminal import note, progress
from headstart.training import checkpoint
from headstart.training.distributed import from_first, mean_over_processes
from headstart.training.folder import RunFolder
from headstart.training.health import CollapseWatch
from headstart.training.interrupts import stop_requests
from headstart.training.journal import Journal, Row
from headstart.training.machine import Machine, find_machine
from headstart.training.plan import StepPlan, plan_steps
from headstart.training.selecting import Judge, Selection
from headstart.training.settings import TrainSettings
from headstart.training.stepper import Stepper
from headstart.training.streams import Stream
from headstart.training.tally import Tally

STEPS_BETWEEN_LOOKS = 10
"""How often a GPU is waited for, to see whether the loss is a number and whether to stop."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run that has come to its end."""

    method: Method
    """With its encoder, on the device it was trained on, in evaluation mode."""
    steps: int
    resumed_from: int
    """The step that the last start went on from; 0 for a run that never stopped."""
    loss: float | None
    """Mean over the last epoch."""
    items_per_s: float
    seconds: float
    """Of training, all starts together."""
    collapsed: bool
    best_step: int | None = None
    """The step after which a judge thought the weights best, which are the method's then; None without a judge."""
    history: tuple[Row, ...] = field(repr=False)
    """The rows of metrics.jsonl."""
    state: str = "done"
    folder: Path | None = None


def train(
    method: Method,
    streams: Mapping[str, Stream],
    settings: TrainSettings,
    folder: RunFolder | None = None,
    *,
    plan: StepPlan | None = None,
    machine: Machine | None = None,
    judge: Judge | None = None,
) -> Trained:
    """Trains a method until its plan is done, going on from the folder's checkpoint where it has one.

    Args:
        streams: What the method learns from, under the names of its `streams`; the epochs are those of the first.
        folder: Where checkpoints and metrics go; None keeps nothing.
        judge: Says at the end of every epoch how good the weights are; the best are kept instead of the last.

    Raises:
        InputError: The settings don't fit the method, the data or the checkpoint.
        RunError: The loss or the features are no longer numbers, the disk is full, no checkpoint is readable.
        Interrupted: The process was asked to stop; the state is saved.
    """
    sizes = [len(stream.index) for stream in streams.values()]
    plan = plan or plan_steps(settings, method.recipe, sizes[0], world_size(), fewest=min(sizes))
    machine = machine or find_machine(settings, world_size())
    with machine.prepared(), stop_requests() as stop:
        stepper = Stepper(method, streams, plan, settings.seed, on=machine)
        journal = Journal(folder.path if folder and rank() == 0 else None)
        tally = _resume(folder, stepper, journal)
        began, pace, saved = tally.step, _Pace(plan, tally), time.monotonic()
        watch = _watch(stepper, next(iter(streams.values())))
        selection = Selection(judge, stepper.method, plan, folder.path if folder else None, tally)
        if tally.step == 0 and selection.due(0):
            journal.append({"step": 0, "epoch": 0, "loss": None, **selection.look(tally)})
        ended = selection.over(tally)  # and was killed before it could say so
        look_every = STEPS_BETWEEN_LOOKS if machine.device.type == "cuda" and settings.checkpoint_seconds else 1
        with progress(type(method).__name__, plan.steps, start=tally.step) as meter:
            for step in range(tally.step, tally.step if ended else plan.steps):
                losses = stepper.take(step)
                tally.add(step, losses)
                judged = selection.due(tally.step)
                logs = plan.logs(tally.step) or judged
                if not logs and tally.step % look_every:
                    continue
                stopped_by = tally.settle(plan, stop.signal)
                meter.update(tally.step, pace.rate(tally), f"loss {float(losses['loss']):.3f}")
                if logs:
                    row = _row(losses, plan, tally, pace) | _health(watch, plan, tally)
                    journal.append(row | (_epoch(tally) | selection.look(tally) if judged else {}))
                last = tally.step == plan.steps or selection.over(tally)
                if folder and (last or stopped_by or time.monotonic() - saved >= settings.checkpoint_seconds):
                    _save(folder, stepper, journal, tally)
                    selection.saved(tally)
                    saved = time.monotonic()
                if stopped_by and not last:
                    kept = f"its state is saved in {folder.path}" if folder else "nothing was kept"
                    raise Interrupted(f"Stopped after step {tally.step} of {plan.steps}; {kept}.", stopped_by)
                if last:
                    break
        selection.take_back(tally)
    return Trained(
        method=stepper.method.eval(),
        steps=tally.step,
        resumed_from=began,
        loss=tally.loss,
        items_per_s=plan.batch_size * tally.step / max(tally.seconds, 1e-9),
        seconds=tally.seconds,
        collapsed=tally.collapsed,
        best_step=tally.best_step if judge else None,
        history=tuple(journal.rows),
        folder=folder.path if folder else None,
    )


def _resume(folder: RunFolder | None, stepper: Stepper, journal: Journal) -> Tally:
    """Goes back to the newest readable checkpoint; a new tally where there is none."""
    if folder is None:
        return Tally()
    path = from_first(lambda: checkpoint.recover(folder.path))
    if path is None:
        journal.cut(-1)  # step 0 too, which a judged run has a row of
        return Tally()
    found = checkpoint.read(path)
    checkpoint.restore(found, stepper.method, stepper.optimizer, path)
    stepper.load_scaler(found.scalars["scaler"])
    tally = Tally.of(found.scalars)
    journal.cut(tally.step)
    if tally.step < stepper.plan.steps:
        note(f"Going on from step {tally.step} of {stepper.plan.steps}.")
    return tally


def _save(folder: RunFolder, stepper: Stepper, journal: Journal, tally: Tally) -> None:
    """Writes a checkpoint, on the first process; a state that isn't finite never replaces one that is."""
    if rank() != 0:
        return
    for name, parameter in stepper.method.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise RunError(f"{name} is no longer finite after step {tally.step}: the last good state is kept.")
    journal.flush()
    scalars = {**tally.scalars(), "scaler": stepper.scaler_state()}
    checkpoint.write(checkpoint.capture(stepper.method, stepper.optimizer, scalars), folder.path)


def _row(losses: Losses, plan: StepPlan, tally: Tally, pace: _Pace) -> Row:
    """What is logged of a step; values are means over all processes."""
    names = list(losses)
    means = mean_over_processes(torch.stack([losses[name].float() for name in names])).tolist()
    values = {name: mean if math.isfinite(mean) else None for name, mean in zip(names, means, strict=True)}
    return {
        "step": tally.step,
        "epoch": plan.epoch(tally.step - 1),
        **values,
        "lr": plan.rate(tally.step - 1),
        "items_per_s": round(pace.lap(tally), 1),
        "seconds": round(tally.seconds, 3),
    }


def _epoch(tally: Tally) -> dict[str, float]:
    """The means of the epoch that ends, for the log of a run that is judged."""
    return {f"epoch_{name}": mean for name, mean in tally.epoch_means().items()}


def _watch(stepper: Stepper, stream: Stream) -> CollapseWatch | None:
    if stepper.method.uses_labels or rank() != 0:
        return None
    return CollapseWatch(stepper.method.encoder, stream.items, stream.index, stepper.machine.device)


def _health(watch: CollapseWatch | None, plan: StepPlan, tally: Tally) -> dict[str, float]:
    """The health of the features for the log, on the steps that the plan names; says it once when they collapse."""
    if watch is None or not plan.watches(tally.step):
        return {}
    health = watch.look(tally.step)
    if watch.collapsed and not tally.collapsed:
        note(
            f"Collapsed: after step {tally.step} the encoder gives every item nearly the same features "
            f"(effective rank {health['rank_me']:.1f}). Try another --lr, batch size or method."
        )
    tally.collapsed = watch.collapsed
    return health


class _Pace:
    """Items a second since the last logged step."""

    def __init__(self, plan: StepPlan, tally: Tally) -> None:
        self._batch = plan.batch_size
        self._step, self._seconds = tally.step, tally.seconds

    def rate(self, tally: Tally) -> float:
        return self._batch * (tally.step - self._step) / max(tally.seconds - self._seconds, 1e-9)

    def lap(self, tally: Tally) -> float:
        rate = self.rate(tally)
        self._step, self._seconds = tally.step, tally.seconds
        return rate
