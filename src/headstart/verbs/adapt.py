"""`headstart adapt`: carry the labels of a source over to a target that has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

from headstart.settings import check, parted
from headstart.terminal import note
from headstart.verbs.common import (
    FOR_BOTH,
    Reading,
    Source,
    TrainSettings,
    check_named_encoder,
    command_line,
    default_out,
    keep_skipped,
    of_one_kind,
    read,
)

if TYPE_CHECKING:
    from headstart.data import Dataset
    from headstart.transfer import Adapted, Scores

SELECTED_ON = "nothing: the last weights, whatever their scores"


@dataclass(frozen=True)
class Adaptation:
    """A finished adaptation, beside the same network without it."""

    run: str
    """The run folder, which `predict` and `evaluate` take."""
    steps: int
    resumed_from: int
    loss: float | None
    """Mean over the last epoch."""
    items_per_s: float
    state: str
    accuracy: float | None
    """On the target's test part; None where it has no labels."""
    interval: list[float] | None
    selected_on: str
    items: int
    """Target items that the accuracy is of."""
    source_accuracy: float | None
    """On the source's test part, by the source's batch-norm statistics; None where it has none."""
    density: float
    """Soft neighbourhood density of the features on the target: no labels needed, higher is better."""
    negative_transfer: bool
    """Adapting made the density worse than it is without."""
    source_only: dict[str, Any] | None
    """run, accuracy, interval, source_accuracy and density of the network that was not adapted."""

    def __str__(self) -> str:
        lines = [f"{'':12} {'target':22} {'source':>12} {'density':>9}"]
        if self.source_only is not None:
            lines.append(_line("source_only", self.source_only))
        lines.append(_line("adapted" if self.source_only else "source_only", self.__dict__))
        if self.negative_transfer:
            lines.append(
                "Negative transfer: by density, which needs no labels, adapting made the features of the target worse."
            )
            lines.append(self._against() or "Take source_only, another method, or a few labels of the target.")
        lines.append(f"The last weights are in {self.run}; use them: headstart predict {quote(self.run)} DATA")
        return "\n".join(lines)

    def _against(self) -> str | None:
        """What to say where the target's labels contradict the measure that does without."""
        if self.accuracy is None or self.source_only is None or self.accuracy <= self.source_only["accuracy"]:
            return None
        return "The target's labels say otherwise: the measure errs here."


def _line(name: str, found: dict[str, Any]) -> str:
    figure = "no labels"
    if found["accuracy"] is not None:
        low, high = found["interval"]
        figure = f"{100 * found['accuracy']:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    source = "no test part" if found["source_accuracy"] is None else f"{100 * found['source_accuracy']:.1f} %"
    return f"{name:12} {figure:22} {source:>12} {found['density']:9.3f}"


def adapt(
    method: str,
    source: Source,
    target: Source,
    *,
    out: Path | None = None,
    target_labels: Path | None = None,
    views: str | None = None,
    backbone: str | None = None,
    init: str | None = None,
    restart: bool = False,
    **others: Annotated[Any, TrainSettings, Reading],
) -> Adaptation:
    """Learn classes from a source that has labels, for a target that has none.

    The same network is trained on the source alone first, to see whether adapting helped. Labels of the target, where
    there are any, are used for the final score on its test part and nothing else.

    Flags on how labels, columns and parts are read are the source's.

    Example: headstart adapt mcc rendered-digits digits

    Args:
        method: source_only, dann, cdan, coral, mmd, adabn or mcc; its own settings are flags too.
        source: Images with labels: a folder with one folder a class, an .npz, `rendered-digits` …
        target: Images of the same classes; brought to the source's size and channels.
        out: Run folder; default runs/<source>-<target>-<method>. The source alone: the same with -source_only.
        target_labels: As `--labels`, for the target: for the final score.
        views: Of both domains: simclr, moco1, moco2, byol or glyphs; less a step: simclr-crop. Default: moves and
            crops only.
        backbone: Network to train; `headstart backbones` lists them. With init, the architecture of a file of weights.
        init: Encoder to go on from: a run folder, a file, efficientnet-lite0, resnet18, timm/NAME or org/name.
        restart: Forget what is in the run folders and begin anew.
    """
    from headstart.backbones import check_backbone
    from headstart.methods import find_adapter
    from headstart.transfer import Adaptation as Plan
    from headstart.transfer import adapt_between, pair
    from headstart.views import check_view_set

    kind = find_adapter(method)
    training, reading, method_settings = parted(others, TrainSettings, Reading, method=kind)
    check(kind, method_settings)
    settings = TrainSettings(**training)
    check_backbone(backbone)
    if init is not None:
        check_named_encoder(init, backbone, "--init")
    if views is not None:
        check_view_set(views)
    shared = {name: value for name, value in reading.items() if name in FOR_BOTH}
    with of_one_kind(source, target):
        here = read(source, **reading)
        there = read(target, labels=target_labels, **shared)
    made = pair(here, there)
    for text in made.notes:
        note(text)
    plan = Plan(
        method=method,
        pair=made,
        backbone=backbone,
        init=init,
        download=reading.get("download", False),
        views=views,
        method_settings=method_settings,
        settings=settings,
    )
    folder, baseline = _folders(out, here, there, method)
    found = adapt_between(plan, folder, baseline, explicit=out is not None, restart=restart, command=command_line())
    return _result(found, folder, here, there)


def _folders(out: Path | None, source: Dataset, target: Dataset, method: str) -> tuple[Path, Path]:
    """The run folders of the method and of the baseline."""
    if out is not None:
        return out, out.with_name(f"{out.name}-source_only")
    both = f"{source.name}-{target.name}"
    return default_out(both, method), default_out(both, "source_only")


def _result(found: Adapted, folder: Path, source: Dataset, target: Dataset) -> Adaptation:
    trained = found.trained
    run = Path(trained.folder or folder).absolute()
    keep_skipped(run, source, target)
    baseline = None
    if found.baseline is not None and found.before is not None:
        baseline = {"run": str(Path(found.before.folder or folder).absolute()), **_figures(found.baseline)}
    return Adaptation(
        run=str(run),
        steps=trained.steps,
        resumed_from=trained.resumed_from,
        loss=trained.loss,
        items_per_s=trained.items_per_s,
        state=trained.state,
        selected_on=SELECTED_ON,
        items=found.scores.items,
        negative_transfer=found.negative,
        source_only=baseline,
        **_figures(found.scores),
    )


def _figures(scores: Scores) -> dict[str, Any]:
    return {
        "accuracy": None if scores.accuracy is None else scores.accuracy.mean,
        "interval": None if scores.accuracy is None else [scores.accuracy.low, scores.accuracy.high],
        "source_accuracy": scores.source_accuracy,
        "density": scores.density,
    }
