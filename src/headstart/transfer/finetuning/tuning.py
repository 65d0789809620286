"""Fine-tuning from an encoder's name to a network with a head, beside the same encoder left as it was.

The head is solved on the frozen features first and the network goes on from there (Kumar et al. 2022, arXiv
2202.10054): a new head would first undo part of what the body knows. The classic tutorial's recipe begins with a new
head all the same, and trains it in the loop.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from headstart.backbones import IMAGENET, Encoder, Preprocessing
from headstart.data import Dataset
from headstart.evaluation import FittedHead, HeldOut, classifier_head, fit_temperature
from headstart.methods.fine_tuned import FineTuned
from headstart.methods.method import Method
from headstart.methods.tutorial import Tutorial
from headstart.terminal import note
from headstart.training import Job, Trained, TrainSettings, add_facts, run_job, weights_digest
from headstart.training.distributed import from_first, joined
from headstart.training.machine import choose_device
from headstart.transfer.answering import logits_of
from headstart.transfer.finetuning.few_labels import LabelCurve
from headstart.transfer.finetuning.frozen import CachedViews, Solved, as_layer, solve_head
from headstart.transfer.finetuning.judging import HeldOutJudge
from headstart.transfer.finetuning.parts import Parts
from headstart.transfer.finetuning.scores import HeadScores, score_head
from headstart.transfer.views import mild_views

FineTuningRecipe = Literal["default", "tutorial"]


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """Everything that decides a fine-tuned network."""

    encoder: str
    """By any name that `open_encoder` takes."""
    data: Dataset
    parts: Parts
    part: str = "all"
    """What is trained: head, all, or last-N blocks and the head."""
    recipe: FineTuningRecipe = "default"
    shown: Preprocessing = IMAGENET
    """How the tutorial's recipe shows pictures."""
    backbone: str | None = None
    """The architecture of weights in a file."""
    download: bool = False
    views: str | None = None
    """None: moves, crops and flips only."""
    method_settings: Mapping[str, Any] = field(default_factory=dict)
    settings: TrainSettings = field(default_factory=TrainSettings)
    patience: int | None = 5
    """Epochs without anything better, on items held out, after which training ends."""
    cached: CachedViews | None = None
    """Views that a head alone learns from too."""
    split_seed: int = 0

    def job(self, opened: Encoder | None = None) -> Job:
        """What the loop trains; with the default recipe it goes on from a solved head's run (`after`).

        `opened` is the encoder, where it is open already.
        """
        tutorial = self.recipe == "tutorial"
        held_out = self.parts.held_out
        if tutorial:
            judge = HeldOutJudge(self.data, held_out, None, by="accuracy", counts_start=False)
        else:
            judge = HeldOutJudge(self.data, held_out, self.patience)
        return Job(
            data=self.data,
            method=Tutorial if tutorial else FineTuned,
            backbone=self.backbone,
            init=self.encoder,
            opened=opened,
            download=self.download,
            preprocessing=self.shown if tutorial else None,
            views=self.views or mild_views(self.data.shape),
            method_settings={"part": self.part, **self.method_settings},
            settings=self.settings,
            index=self.parts.learned,
            judge=judge if len(held_out) else None,
        )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A fine-tuned network, and the same encoder with nothing but a head where training began with that."""

    run: Path
    to_learn: Mapping[str, int]
    """The parameters that were trained, by name, and how many numbers each holds."""
    scores: HeadScores | None
    """None where there is no test part."""
    trained: Trained | None = None
    """None where the head was solved and is all that was learned."""
    head_only: Solved | None = None
    head_scores: HeadScores | None = None
    curve: LabelCurve = field(default_factory=LabelCurve)
    """What a head on the encoder as it came reaches with fewer labels; empty where none was solved."""


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
    """Solves the head, and trains the body from there where it is to be trained; or trains as the tutorial does.

    What is done already is taken as it is.

    `encoder` is what the tuning names, opened. Raises as `run_job`.
    """
    how: dict[str, Any] = {"explicit": explicit, "restart": restart, "command": command}
    device = choose_device(tuning.settings.device)
    with joined(device):
        if tuning.recipe == "tutorial":
            return _train_from_new_head(tuning, encoder, folder, how)
        if tuning.part == "head":
            solved = from_first(lambda: _solve(tuning, encoder, tuning.parts.known, folder, how))
            return Tuned(
                run=solved.run,
                to_learn=_head_names(solved),
                scores=_head_scores(tuning, solved),
                curve=solved.curve,
            )
        return _train_from_solved_head(tuning, encoder, head_folder, folder, how)


def _train_from_solved_head(
    tuning: FineTuning, encoder: Encoder, head_folder: Path, folder: Path, how: Mapping[str, Any]
) -> Tuned:
    """The default recipe."""
    job = tuning.job(encoder)
    learned = to_learn(job.build())  # refuses what can't be trained before anything is written
    note(_said(learned))
    start = job.start
    assert start is not None
    solved = from_first(lambda: _solve(tuning, start[0], tuning.parts.learned, head_folder, how))
    trained = run_job(replace(job, after=solved.run), folder, **how)
    run = trained.folder or folder
    temperature = from_first(lambda: _calibrate(tuning, trained.method, run))
    return Tuned(
        run=run,
        to_learn=learned,
        scores=_scores(tuning, trained.method.encoder, classifier_head(run), temperature),
        trained=trained,
        head_only=solved,
        head_scores=_head_scores(tuning, solved),
        curve=solved.curve,
    )


def _train_from_new_head(tuning: FineTuning, encoder: Encoder, folder: Path, how: Mapping[str, Any]) -> Tuned:
    """The tutorial's recipe, which calibrates nothing."""
    job = tuning.job(encoder)
    learned = to_learn(job.build())
    note(_said(learned))
    trained = run_job(job, folder, **how)
    run = trained.folder or folder
    scores = _scores(tuning, trained.method.encoder, classifier_head(run), None)
    return Tuned(run=run, to_learn=learned, scores=scores, trained=trained)


def to_learn(method: Method) -> dict[str, int]:
    """The parameters that training moves, by name as the network has them, and how many numbers each holds."""
    return {
        name.removeprefix("encoder.backbone."): parameter.numel()
        for name, parameter in method.named_parameters()
        if parameter.requires_grad
    }


def _head_names(solved: Solved) -> dict[str, int]:
    return {f"classifier.{name}": value.numel() for name, value in as_layer(solved.head).named_parameters()}


def _said(learned: Mapping[str, int]) -> str:
    names = ", ".join(list(learned)[:3]) + (", …" if len(learned) > 3 else "")
    return f"Parameters to learn: {sum(learned.values()):,} in {len(learned)} tensors ({names})."


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
        **({} if tuning.cached is None else {"cached": asdict(tuning.cached)}),
    }
    facts = {"method": "head", "init": {"name": tuning.encoder, "sha256": digest}}
    device = str(choose_device(tuning.settings.device))
    return solve_head(
        encoder,
        tuning.data,
        learned,
        tuning.parts.tested,
        folder,
        settings=settings,
        facts=facts,
        split_seed=tuning.split_seed,
        device=device,
        cached=tuning.cached,
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


def _head_scores(tuning: FineTuning, solved: Solved) -> HeadScores | None:
    return _scores(tuning, solved.encoder, solved.head, solved.temperature, solved.asked)


def _scores(
    tuning: FineTuning, encoder: Encoder, head: FittedHead, temperature: float | None, made: Tensor | None = None
) -> HeadScores | None:
    device = str(choose_device(tuning.settings.device))
    tested = tuning.parts.tested
    return score_head(encoder, head, tuning.data, tested, temperature=temperature, device=device, made=made)
