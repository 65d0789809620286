"""Fine-tuning from an encoder's name to a network with a head, beside the same encoder left as it was.

The head is solved on the frozen features first and the network goes on from there (Kumar et al. 2022, arXiv
2202.10054): a new head would first undo part of what the body knows.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.data import Dataset
from headstart.evaluation import FittedHead, HeldOut, classifier_head, fit_temperature
from headstart.methods.fine_tuned import FineTuned
from headstart.methods.method import Method
from headstart.training import Job, Trained, TrainSettings, add_facts, run_job, weights_digest
from headstart.training.distributed import from_first, joined
from headstart.training.machine import choose_device
from headstart.transfer.answering import logits_of
from headstart.transfer.finetuning.frozen import Solved, solve_head
from headstart.transfer.finetuning.parts import Parts
from headstart.transfer.finetuning.scores import HeadScores, score_head
from headstart.transfer.views import mild_views

HEAD_ONLY = "head"
"""What `part` is where the body stays as it is."""


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """Everything that decides a fine-tuned network."""

    encoder: str
    """By any name that `open_encoder` takes."""
    data: Dataset
    parts: Parts
    part: str = "all"
    """What is trained: head, all, or last-N blocks and the head."""
    backbone: str | None = None
    """The architecture of weights in a file."""
    download: bool = False
    views: str | None = None
    """None: moves, crops and flips only."""
    method_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)
    patience: int | None = 5
    """Epochs without anything better, on items held out, after which training ends."""
    split_seed: int = 0

    def job(self) -> Job:
        """The training of more than the head; it goes on from a solved head's run (`after`)."""
        return Job(
            data=self.data,
            method=FineTuned,
            backbone=self.backbone,
            init=self.encoder,
            download=self.download,
            views=self.views or mild_views(self.data.shape),
            method_settings={"part": self.part, **self.method_settings},
            settings=self.settings,
            index=self.parts.learned,
            judge=HeldOutLoss(self.data, self.parts.held_out, self.patience) if len(self.parts.held_out) else None,
        )


@dataclass(frozen=True)
class HeldOutLoss:
    """The judge: cross entropy on items that are held out, in evaluation mode; finer than accuracy on a few of them."""

    data: Dataset
    index: Tensor
    """int64 m."""
    patience: int | None

    @cached_property
    def labels(self) -> Tensor:
        """int64 m."""
        return self.data.labels[self.index]

    def look(self, method: Method) -> dict[str, float]:
        """The negative loss, and the accuracy beside it."""
        logits = logits_of(method, self.data, self.index)
        loss = float(F.cross_entropy(logits, self.labels))
        return {
            "held_out_score": -loss,
            "held_out_loss": loss,
            "held_out_accuracy": float((logits.argmax(dim=1) == self.labels).double().mean()),
        }


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned network, and the same encoder with nothing but a head."""

    run: Path
    trained: Trained | None
    """None where the head is all that was learned."""
    scores: HeadScores | None
    """None where there is no test part."""
    head_only: Solved | None
    """Where more than the head was trained: where that began."""
    head_scores: HeadScores | None
    temperature: float | None


def fine_tune(
    tuning: FineTuning,
    encoder: Encoder,
    folder: Path,
    head_folder: Path,
    *,
    explicit: bool = True,
    restart: bool = False,
    command: str | None = None,
) -> Tuned:
    """Solves the head, and trains the body from there where it is to be trained; takes what is done already.

    `encoder` is what the tuning names, opened. Raises as `run_job`.
    """
    how: dict[str, Any] = {"explicit": explicit, "restart": restart, "command": command}
    device = choose_device(tuning.settings.device)
    with joined(device):
        if tuning.part == HEAD_ONLY:
            solved = from_first(lambda: _solve(tuning, encoder, tuning.parts.known, folder, how))
            scores = _scores(tuning, solved.encoder, solved.head, solved.temperature)
            return Tuned(solved.run, None, scores, None, None, solved.temperature)
        job = tuning.job()
        job.build()  # refuses what can't be trained before anything is written
        start = job.start
        assert start is not None
        solved = from_first(lambda: _solve(tuning, start[0], tuning.parts.learned, head_folder, how))
        trained = run_job(replace(job, after=solved.run), folder, **how)
        run = trained.folder or folder
        temperature = from_first(lambda: _calibrate(tuning, trained.method, run))
        own = classifier_head(run)
        return Tuned(
            run=run,
            trained=trained,
            scores=_scores(tuning, trained.method.encoder, own, temperature),
            head_only=solved,
            head_scores=_scores(tuning, solved.encoder, solved.head, solved.temperature),
            temperature=temperature,
        )


def _solve(tuning: FineTuning, encoder: Encoder, learned: Tensor, folder: Path, how: Mapping[str, Any]) -> Solved:
    digest = weights_digest(tuning.encoder, encoder)
    settings = {
        "method": "head",
        "encoder": f"{tuning.encoder} ({digest[:12]})",
        "shape": list(encoder.shape),
        "decode": encoder.decode,
        "data": tuning.data.fingerprint,
        "items": f"{len(learned)} ({zlib.crc32(learned.numpy().tobytes()):08x})",
        "split_seed": tuning.split_seed,
    }
    facts = {"method": "head", "init": {"name": tuning.encoder, "sha256": digest}}
    device = str(choose_device(tuning.settings.device))
    return solve_head(
        encoder,
        tuning.data,
        learned,
        folder,
        settings=settings,
        facts=facts,
        split_seed=tuning.split_seed,
        device=device,
        **how,
    )


def _calibrate(tuning: FineTuning, method: Method, run: Path) -> float | None:
    """The temperature by the items held out, kept in the run's encoder.json; None where there are none."""
    index = tuning.parts.held_out
    if not len(index):
        return None
    probabilities = logits_of(method, tuning.data, index).softmax(dim=1)
    temperature = fit_temperature(HeldOut(probabilities, tuning.data.labels[index]))
    add_facts(run, temperature=temperature)
    return temperature


def _scores(tuning: FineTuning, encoder: Encoder, head: FittedHead, temperature: float | None) -> HeadScores | None:
    device = str(choose_device(tuning.settings.device))
    return score_head(encoder, head, tuning.data, tuning.parts.tested, temperature=temperature, device=device)
