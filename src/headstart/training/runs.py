"""A training run from a job to an encoder on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.collectives import rank, world_size
from headstart.data import Dataset
from headstart.methods import name_of
from headstart.methods.method import Method
from headstart.terminal import note
from headstart.training import checkpoint, places
from headstart.training.distributed import from_first, joined
from headstart.training.encoders import CLASSIFIER, WEIGHTS, load_weights, save_encoder, save_weights
from headstart.training.folder import RunFolder
from headstart.training.job import Job, fingerprint
from headstart.training.journal import NAME, read_rows
from headstart.training.loop import Trained, train
from headstart.training.machine import Machine, choose_device, find_machine, memory_format, versions
from headstart.training.plan import StepPlan
from headstart.training.selecting import restore_best


def run_job(
    job: Job, folder: Path | str, *, explicit: bool = True, restart: bool = False, command: str | None = None
) -> Trained:
    """Trains a job in a run folder, or goes on with it there, or gives back what is done already.

    Args:
        folder: Claimed with `explicit` and `restart` as `RunFolder.claim` takes them.
        command: The command line, for run.json.

    Raises:
        InputError: The settings don't fit the method or the data; nothing was written. Or as `RunFolder.claim`.
        RunError, Interrupted: As `train`.
    """
    with joined(choose_device(job.settings.device)):
        plan, method = job.plan(), job.build()
        with _opened(folder, fingerprint(job, plan), explicit, restart) as claimed:
            threads = claimed.record.get("machine", {}).get("threads")
            machine = find_machine(job.settings, world_size(), threads)
            if claimed.state == "done" and (why := _nothing_to_train(claimed.record, plan)):
                note(f"{claimed.path} {why}: nothing to train.")
                return _finished(method.to(machine.device), claimed)
            return _train(job, method, plan, machine, claimed, command)


@contextmanager
def _opened(path: Path | str, settings: dict[str, object], explicit: bool, restart: bool) -> Iterator[RunFolder]:
    """The run's folder: claimed by the first process, shown to the others."""
    held: list[RunFolder] = []

    def claim() -> tuple[Path, dict[str, Any]]:
        held.append(RunFolder.claim(path, settings, explicit=explicit, restart=restart))
        return held[0].path, held[0].record

    try:
        shown = RunFolder(*from_first(claim))
        yield held[0] if held else shown
    finally:
        for folder in held:
            folder.close()


def _train(
    job: Job, method: Method, plan: StepPlan, machine: Machine, folder: RunFolder, command: str | None
) -> Trained:
    """Trains, keeps what is worth keeping, and says in run.json how it went."""
    for text in (*job.notes(), *plan.notes, *_changes(folder.record, plan, machine)):
        note(text)
    with folder.running():
        folder.update(
            command=command or folder.record.get("command"),
            plan=asdict(plan),
            machine=machine.describe(),
            versions=versions(),
            **_learned_from(job),
        )
        trained = train(method, job.streams(), job.settings, folder, plan=plan, machine=machine, judge=job.judge)
        if rank() == 0:
            _keep(job, trained, folder.path)
        folder.finish(result={name: getattr(trained, name) for name in _RESULTS})
    return trained


_RESULTS = ("steps", "resumed_from", "loss", "items_per_s", "seconds", "collapsed", "best_step")


def _keep(job: Job, trained: Trained, folder: Path) -> None:
    """Writes the encoder, and the classifier of a method that has one."""
    facts = {
        "method": name_of(job.kind),
        "views": job.shown_views,
        **({} if job.start is None else {"init": {"name": job.init, "sha256": job.start[1]}}),
        "seed": job.settings.seed,
        "steps": trained.steps,
        **_learned_from(job),
        "versions": versions(),
    }
    save_encoder(folder, trained.method.kept_encoder(), facts)
    classifier = getattr(trained.method, "classifier", None)
    if isinstance(classifier, nn.Module):
        save_weights(classifier, folder / CLASSIFIER)


def _learned_from(job: Job) -> dict[str, object]:
    """Which data a run learned from: the first stream's set, and those beside it where there are more."""
    others = {name: data_facts(data, data.indices("train")) for name, data in job.beside.items()}
    return {"data": data_facts(job.data, job.places), **({"beside": others} if others else {})}


def data_facts(data: Dataset, learned_from: Tensor) -> dict[str, object]:
    """A data set in JSON: parts are places in it, as ranges."""
    parts = {part: places.pack(_part(data, part)) for part in ("train", "val", "test")}
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "pixel_digest": data.pixel_digest,
        "items": len(data.items),
        "shape": list(data.shape),
        "classes": list(data.classes),
        "counts": list(data.counts(learned_from)),
        "split": parts,
        "learned_from": places.pack(learned_from),
    }


def _part(data: Dataset, part: str) -> Tensor:
    return torch.tensor([place for place, its in enumerate(data.split) if its == part], dtype=torch.int64)


def _nothing_to_train(record: dict[str, Any], plan: StepPlan) -> str | None:
    """Why a finished run has nothing left to do under this plan; None where it goes on."""
    reached, planned = record["result"]["steps"], record["plan"]["steps"]
    if planned >= plan.steps:
        return "is done already"
    ended_early = f"ended early, after step {reached} of {planned}, when nothing better came; it would end there again"
    return ended_early if reached < planned else None


def _changes(before: dict[str, Any], plan: StepPlan, machine: Machine) -> list[str]:
    """What a run that is gone on with has to be told: a new total, or a machine that computes other bits."""
    if "plan" not in before:
        return []
    said = []
    if before["plan"]["steps"] != plan.steps:
        said.append(
            f"Continues to {plan.steps} steps instead of {before['plan']['steps']}: the schedule is planned anew."
        )
    was, now = before["machine"], machine.describe()
    changed = [
        f"{name} {now[name]} instead of {was[name]}" for name in ("torch", "processes") if was[name] != now[name]
    ]
    if changed:
        said.append(f"Goes on with {', '.join(changed)}: the result will differ in its last bits.")
    return said


def _finished(method: Method, folder: RunFolder) -> Trained:
    """What `train` gave when this run was done, its method with all its state as far as that was kept."""
    path = checkpoint.recover(folder.path)
    if path is not None:
        checkpoint.restore_method(checkpoint.read(path), method, path)
        best = folder.record["result"]["best_step"]
        if best is not None:
            restore_best(method, folder.path, best)
    else:
        load_weights(method.encoder, folder.path / WEIGHTS)
    laid_out = method.to(memory_format=memory_format(method))  # as it was trained: the same bits in every later use
    return Trained(
        method=laid_out.eval(),
        history=tuple(read_rows(folder.path / NAME)),
        folder=folder.path,
        **folder.record["result"],
    )
