"""What `headstart finetune` gives: its figures, and how they are said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from headstart.terminal import is_first, note

if TYPE_CHECKING:
    from headstart.backbones import Encoder
    from headstart.data import Dataset
    from headstart.training import Trained
    from headstart.transfer import HeadScores, Parts, Tuned

NOT_FACTS = ("head_only", "last_epoch", "history", "few_label", "to_learn", "report")
"""What the report shows otherwise than as a figure by its name."""


@dataclass(frozen=True)
class Finetuned:
    """A network with a head, beside the same encoder with nothing but a head."""

    run: str
    """The run folder, which `predict` and `evaluate` take."""
    steps: int
    resumed_from: int
    loss: float | None
    """Mean over the last epoch; None where the head was solved and is all that was learned."""
    items_per_s: float | None
    state: str
    accuracy: float | None
    """On the test part; None where there is none. With the tutorial's recipe and no val part beside it: it chose."""
    interval: list[float] | None
    balanced_accuracy: float | None
    calibration_error: float | None
    """How far probabilities are from how often they are right, 0…1."""
    items: int
    """Items that the accuracy is of."""
    selected_on: str
    """What chose the weights, or the strength of the head."""
    held_out_accuracy: float | None
    """On what chose the weights: a little too good."""
    head_only: dict[str, Any] | None
    """run, accuracy, interval, balanced_accuracy and calibration_error of the body as it came with a head; `kept`: no
    epoch was better, so these are the weights of the result too."""
    last_epoch: dict[str, Any] | None
    """accuracy and interval after the last epoch, which nothing chose, where `accuracy` is of the items that chose."""
    history: list[dict[str, Any]]
    """By epoch: loss and accuracy over its training views, held_out_loss, held_out_accuracy, and seconds so far."""
    few_label: list[dict[str, Any]]
    """labels_per_class, accuracy, interval and draws of a head on the body as it came, up to all labels."""
    to_learn: dict[str, int]
    """The parameters that were trained, and how many numbers each holds."""
    report: str

    def __str__(self) -> str:
        lines = [*_epochs(self)]
        if self.head_only is not None:
            lines.append(_line("head only", self.head_only))
        lines.append(_line("head only" if self.loss is None else "fine-tuned", self.__dict__))
        lines += _chosen(self)
        lines.append(f"Report: {self.report}")
        lines.append(f"Use it: headstart predict {quote(self.run)} DATA")
        return "\n".join(lines)


def _line(name: str, found: dict[str, Any]) -> str:
    if found["accuracy"] is None:
        return f"{name:12} no test part to judge it on"
    said = f"{name:12} {_with_interval(found)}"
    if found.get("last_epoch") is not None:
        said += f", selected on {found['selected_on']}"
    return f"{said}, probabilities off by {100 * found['calibration_error']:.1f} points"


def _with_interval(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    return f"{100 * found['accuracy']:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _epochs(found: Finetuned) -> list[str]:
    """A line an epoch: loss and accuracy of both parts, and how long it took."""
    away = {"val": "val", "the test part": "test"}.get(found.selected_on, "held out")
    lines, before = [], 0.0
    for row in found.history:
        learned = "not trained yet" if row["loss"] is None else _both(row["loss"], row["accuracy"])
        judged = _both(row["held_out_loss"], row["held_out_accuracy"])
        lines.append(f"epoch {row['epoch']:>2}  train {learned:25}  {away} {judged}  {row['seconds'] - before:.1f} s")
        before = row["seconds"]
    return lines


def _both(loss: float, accuracy: float) -> str:
    return f"loss {loss:.4f} accuracy {accuracy:.4f}"


def _chosen(found: Finetuned) -> list[str]:
    """What the choice of the weights has to be said of."""
    if found.last_epoch is not None:
        return [
            f"{'last epoch':12} {_with_interval(found.last_epoch)}, which nothing chose; the figure above is the "
            f"best of {len(found.history)} on {found.selected_on}, and a little too good for that."
        ]
    lines = []
    if found.held_out_accuracy is not None:
        lines.append(f"Selected on {found.selected_on}, of which {100 * found.held_out_accuracy:.1f} % are right.")
    if found.head_only is not None and found.head_only["kept"]:
        lines.append("No epoch was better on what was held out than the body as it came: its weights are kept.")
    return lines


def result_of(found: Tuned, parts: Parts, data: Dataset, encoder: Encoder) -> Finetuned:
    """The result of a network that is trained, its report written."""
    from headstart.report import TuningPage, write_tuning

    trained, run = found.trained, found.run.absolute()
    head_only = None
    if found.head_only is not None:
        kept = trained is not None and trained.best_step == 0
        head_only = {"run": str(found.head_only.run.absolute()), "kept": kept, **_figures(found.head_scores)}
    history = [] if trained is None else _history(trained.history)
    scores = found.scores
    result = Finetuned(
        run=str(run),
        steps=0 if trained is None else trained.steps,
        resumed_from=0 if trained is None else trained.resumed_from,
        loss=None if trained is None else trained.loss,
        items_per_s=None if trained is None else trained.items_per_s,
        state="done",
        items=0 if scores is None else scores.items,
        selected_on="train folds" if trained is None else parts.selected_on,
        held_out_accuracy=None if trained is None else _held_out_accuracy(trained),
        head_only=head_only,
        last_epoch=_last_epoch(history, len(parts.tested)) if parts.chosen_on_tested else None,
        history=history,
        few_label=[dict(row) for row in found.curve.rows],
        to_learn=dict(found.to_learn),
        report=str(run / "report.html"),
        **_figures(scores),
    )
    if scores is None:
        note(f"{data.name} has no test part to judge on: compare judges by cross-validation.")
    page = TuningPage(
        title=f"{encoder.name} on {data.name}",
        summary=str(result).splitlines()[len(history) : -2],
        classes=data.classes,
        history=() if trained is None else trained.history,
        confusion=None if scores is None else scores.confusion.numpy(),
        few_label=result.few_label,
        no_few_label=found.curve.missing,
        to_learn=result.to_learn,
        settings={name: value for name, value in vars(result).items() if name not in NOT_FACTS},
    )
    if is_first():
        write_tuning(page, run / "report.html")
    return result


def _history(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was logged wherever an epoch ended, and before the first one."""
    return [
        {
            "epoch": row["epoch"] + (row["step"] > 0),
            "loss": row.get("epoch_loss"),
            "accuracy": row.get("epoch_accuracy"),
            "held_out_loss": row["held_out_loss"],
            "held_out_accuracy": row["held_out_accuracy"],
            "seconds": row.get("seconds", 0.0),
        }
        for row in rows
        if "held_out_loss" in row
    ]


def _held_out_accuracy(trained: Trained) -> float | None:
    """What the judge said of the weights that were kept."""
    rows = [row for row in trained.history if row["step"] == trained.best_step]
    return rows[-1].get("held_out_accuracy") if rows else None


def _last_epoch(history: Sequence[Mapping[str, Any]], items: int) -> dict[str, Any]:
    """The accuracy of the last weights on the items that were held out, with its interval."""
    import torch

    from headstart.evaluation import accuracy_interval

    accuracy = history[-1]["held_out_accuracy"]
    interval = accuracy_interval((torch.arange(items) < round(accuracy * items))[None, None].numpy())
    return {"accuracy": accuracy, "interval": [interval.low, interval.high]}


def _figures(scores: HeadScores | None) -> dict[str, Any]:
    if scores is None:
        return dict.fromkeys(("accuracy", "interval", "balanced_accuracy", "calibration_error"))
    return {
        "accuracy": scores.accuracy.mean,
        "interval": [scores.accuracy.low, scores.accuracy.high],
        "balanced_accuracy": scores.balanced_accuracy,
        "calibration_error": scores.calibration_error,
    }
