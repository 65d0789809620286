"""Training: the one loop, its plan, run folders, checkpoints and exact resume, on one process or several."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.training.encoders import add_facts as add_facts
    from headstart.training.encoders import check_encoder as check_encoder
    from headstart.training.encoders import describe as describe
    from headstart.training.encoders import load_encoder as load_encoder
    from headstart.training.encoders import load_weights as load_weights
    from headstart.training.encoders import open_encoder as open_encoder
    from headstart.training.encoders import save_encoder as save_encoder
    from headstart.training.encoders import save_weights as save_weights
    from headstart.training.encoders import weights_digest as weights_digest
    from headstart.training.folder import RunFolder as RunFolder
    from headstart.training.job import Job as Job
    from headstart.training.loop import Trained as Trained
    from headstart.training.loop import train as train
    from headstart.training.plan import StepPlan as StepPlan
    from headstart.training.plan import plan_steps as plan_steps
    from headstart.training.projecting import MissingPartError as MissingPartError
    from headstart.training.projecting import load_method as load_method
    from headstart.training.projecting import load_projector as load_projector
    from headstart.training.rate import step_rate as step_rate
    from headstart.training.runs import data_facts as data_facts
    from headstart.training.runs import run_job as run_job
    from headstart.training.selecting import Judge as Judge
    from headstart.training.settings import TrainSettings as TrainSettings
    from headstart.training.streams import Stream as Stream

_HOMES = {
    "Job": "job",
    "Judge": "selecting",
    "MissingPartError": "projecting",
    "RunFolder": "folder",
    "StepPlan": "plan",
    "Stream": "streams",
    "TrainSettings": "settings",
    "Trained": "loop",
    "add_facts": "encoders",
    "check_encoder": "encoders",
    "data_facts": "runs",
    "describe": "encoders",
    "load_encoder": "encoders",
    "load_method": "projecting",
    "load_projector": "projecting",
    "load_weights": "encoders",
    "open_encoder": "encoders",
    "plan_steps": "plan",
    "run_job": "runs",
    "save_encoder": "encoders",
    "save_weights": "encoders",
    "step_rate": "rate",
    "train": "loop",
    "weights_digest": "encoders",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
