"""`headstart pretrain`: learn an encoder without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

from headstart.errors import InputError
from headstart.settings import check, parted
from headstart.verbs.common import (
    Reading,
    Source,
    TrainSettings,
    check_named_encoder,
    command_line,
    default_out,
    keep_skipped,
    read,
)


@dataclass(frozen=True)
class Pretrained:
    """A finished run."""

    run: str
    """The run folder."""
    steps: int
    resumed_from: int
    loss: float | None
    """Mean over the last epoch."""
    items_per_s: float
    state: str
    collapsed: bool

    def __str__(self) -> str:
        loss = "" if self.loss is None else f", loss {self.loss:.3f}"
        steps = f"{self.steps} step{'' if self.steps == 1 else 's'}"
        warning = "\nThe features have collapsed: they don't tell items apart." if self.collapsed else ""
        return (
            f"{steps} done{loss}, {self.items_per_s:,.0f} images/s. The encoder is in {self.run}{warning}\n"
            f"Judge it: headstart evaluate {quote(self.run)} DATA"
        )


def pretrain(
    method: str,
    data: Source,
    *,
    out: Path | None = None,
    views: str | None = None,
    backbone: str | None = None,
    init: str | None = None,
    restart: bool = False,
    **others: Annotated[Any, TrainSettings, Reading],
) -> Pretrained:
    """Learn an encoder from images without labels, all but the test part of the data.

    A run that was stopped or killed goes on when the same command is given again, and ends with the same bits.
    Several processes: torchrun --standalone --nproc-per-node 2 -m headstart pretrain …

    Example: headstart pretrain simclr photos/ --epochs 100 --temperature 0.2

    Args:
        method: simclr, moco, byol, autoencoder, … (`headstart methods`), or ./mine.py:Mine; its settings are flags too.
        data: A folder, archive or table of images, an .npz, .npy or IDX file, or a name of `headstart data`.
        out: Run folder; default runs/<data>-<method>.
        views: simclr, moco1, moco2, byol or glyphs; less a step: simclr-crop.
        backbone: Network to train; `headstart backbones` lists them. With init, the architecture of a file of weights.
        init: Encoder to go on from: a run folder, a file, efficientnet-lite0, resnet18, timm/NAME or org/name.
        restart: Forget what is in the run folder and begin anew.
    """
    from headstart.backbones import check_backbone
    from headstart.methods import find_learner
    from headstart.training import Job, run_job
    from headstart.views import check_view_set

    kind = find_learner(method)
    training, reading, method_settings = parted(others, TrainSettings, Reading, method=kind)
    check(kind, method_settings)
    settings = TrainSettings(**training)
    check_backbone(backbone)
    if kind.builds_encoder and method_settings.get("architecture") != "backbone":
        refuse_network(method, backbone, init)
    if init is not None:
        check_named_encoder(init, backbone, "--init")
    if views is not None:
        check_view_set(views)
        if not kind.uses_views:
            raise InputError(f"--views {views}: {method} uses no set of views; leave it out.")
    loaded = read(data, **reading)
    job = Job(
        data=loaded,
        method=method,
        backbone=backbone,
        init=init,
        download=reading.get("download", False),
        views=views,
        method_settings=method_settings,
        settings=settings,
    )
    folder = out or default_out(loaded, method)
    trained = run_job(job, folder, explicit=out is not None, restart=restart, command=command_line())
    run = Path(trained.folder or folder).absolute()
    keep_skipped(run, loaded)
    return Pretrained(
        run=str(run),
        steps=trained.steps,
        resumed_from=trained.resumed_from,
        loss=trained.loss,
        items_per_s=trained.items_per_s,
        state=trained.state,
        collapsed=trained.collapsed,
    )


def refuse_network(method: str, backbone: str | None, init: str | None) -> None:
    """Raises `InputError` where a network is named for a method that builds its own."""
    given = "--backbone" if backbone is not None else "--init" if init is not None else None
    if given is not None:
        raise InputError(
            f"{given}: {method} builds a network of its own; --architecture backbone takes the one that is named."
        )
