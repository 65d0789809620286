"""One optimiser step of any method on any number of processes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from headstart import randomness
from headstart.collectives import rank, synchronise_batch_norm, world_size
from headstart.contracts import Batch, Draw, Losses, Part, Progress, Views
from headstart.methods.method import Method
from headstart.training.distributed import my_parts
from headstart.training.machine import Machine, memory_format
from headstart.training.optimizers import build_optimizer, check_gradients
from headstart.training.plan import StepPlan
from headstart.training.streams import Stream, samplers


class LossModule(nn.Module):
    """A method as a module whose forward is its loss: what DDP has to wrap to see every gradient."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, views: Views, progress: Progress) -> Losses:
        """The method's losses."""
        return self.method.loss(views, progress)


class Stepper:
    """A method with its optimiser and its streams of data, ready to take the steps of a plan in any order."""

    def __init__(self, method: Method, streams: Mapping[str, Stream], plan: StepPlan, seed: int, on: Machine) -> None:
        self.plan, self.seed, self.machine = plan, seed, on
        self.layout = memory_format(method)
        if world_size() > 1:
            synchronise_batch_norm(method)
        self.method = method.to(on.device).to(memory_format=self.layout).train()
        self.streams = {name: _placed(stream, on.device, method.uses_labels) for name, stream in streams.items()}
        self.samplers = samplers(streams, plan.batch_size, seed)
        self.parts = my_parts(plan.batch_size, plan.accumulate)
        self.learns = any(parameter.requires_grad for parameter in method.parameters())
        self.optimizer = build_optimizer(method.param_groups(), plan, on.device) if self.learns else None
        self._rates = [group["lr"] / plan.lr for group in self.optimizer.param_groups] if self.optimizer else []
        self._scaler = torch.GradScaler(on.device.type, enabled=on.precision == "float16")
        self._checked = False
        self._forward: nn.Module = LossModule(self.method)
        if world_size() > 1 and self.learns:
            self._forward = _distributed(self._forward)

    def take(self, step: int) -> Losses:
        """Takes step 0…steps-1 and returns this process's losses of before its update, each a mean over its items."""
        progress = Progress(step, self.plan.steps, self.plan.epoch(step))
        randomness.seed_dropout(self.seed, step, self.machine.device, rank())
        places = {name: sampler.places(step) for name, sampler in self.samplers.items()}
        totals: Losses = {}
        for part in self.parts:
            views = self._views(places, part, step)
            with torch.set_grad_enabled(self.learns), self.machine.autocast():
                losses = self._forward(views, progress)
            if self.learns:
                self._scaler.scale(losses["loss"] / len(self.parts)).backward()
            for name, value in losses.items():
                totals[name] = totals.get(name, 0) + value.detach() / len(self.parts)
        if self.optimizer is not None:
            self._update(self.optimizer, step)
        with torch.no_grad():
            self.method.after_step(progress)
        return totals

    def scaler_state(self) -> dict[str, float]:
        """What float16 needs beside the method's and optimiser's state; empty otherwise."""
        return self._scaler.state_dict()

    def load_scaler(self, state: dict[str, float]) -> None:
        """Takes back what `scaler_state` gave."""
        if state and self._scaler.is_enabled():
            self._scaler.load_state_dict(state)

    @torch.no_grad()
    def _views(self, places: Mapping[str, Tensor], part: Part, step: int) -> Views:
        batches = {name: self._batch(self.streams[name], these, part) for name, these in places.items()}
        shown = batches if len(batches) > 1 else next(iter(batches.values()))
        views = self.method.views(shown, Draw(self.seed, step, part, self.machine.device))
        return tuple(v.contiguous(memory_format=self.layout) if v.ndim == 4 else v for v in views)

    def _batch(self, stream: Stream, places: Tensor, part: Part) -> Batch:
        """This process's part of one stream's batch."""
        mine = places[part.start : part.stop].to(self.machine.device)
        items = stream.items.index_select(0, mine)  # many times faster than indexing on a CPU
        return Batch(items, mine, part, None if stream.labels is None else stream.labels[mine])

    def _update(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        if not self._checked:
            check_gradients(self.method, type(self.method).__name__)
            self._checked = True
        for group, share in zip(optimizer.param_groups, self._rates, strict=True):
            group["lr"] = share * self.plan.rate(step)
        self._scaler.step(optimizer)
        self._scaler.update()
        optimizer.zero_grad()


def _placed(stream: Stream, device: torch.device, labelled: bool) -> Stream:
    """A stream on the device, with its labels where the method is shown any."""
    labels = stream.labels.to(device) if stream.labels is not None and labelled else None
    return Stream(stream.items.to(device), labels, stream.index)


def _distributed(module: nn.Module) -> DistributedDataParallel:
    """Averages gradients over processes; buffers are not broadcast, methods keep them equal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the argument is to be renamed; older versions know this one
        return DistributedDataParallel(module, broadcast_buffers=False)
