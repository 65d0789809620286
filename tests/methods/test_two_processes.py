"""Two processes with half the batch each have the gradients of one with all of it, and its statistics."""

import os
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from headstart import collectives
from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.methods import find_method
from headstart.training.stepper import LossModule

SHAPE, ITEMS, STEPS = (1, 8, 8), 16, 2
NAMES = ("simclr", "moco", "byol", "supervised")
PATCHES = ("relative_patch", "jigsaw")
COLOUR = ("colorization", "split_brain")
SHAPES = dict.fromkeys(PATCHES, (1, 24, 24)) | dict.fromkeys(COLOUR, (3, 8, 8))
"""Of items for methods that can't learn from so small ones, or from grey ones."""

HIDING = ("inpainting", "mae", "ijepa")
MIXED = "headstart.methods.fine_tuned:FineTuned"
SETTINGS = {MIXED: {"mixup": 0.4, "statistics": "kept"}}
ADAPTERS = ("dann", "cdan", "coral", "mmd", "mcc", "adabn")
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
CASES = [
    *((name, dtype) for name in NAMES for dtype in TOLERANCE),
    *((name, torch.float64) for name in (*PATCHES, *HIDING, *ADAPTERS, *COLOUR, MIXED)),
]

LOCAL = ("simclr", torch.float64)
"""The case without synchronised batch norm."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gloo and spawn are tested where torchrun is used")


def build(name, dtype):
    """A method without dropout, of which every process draws its own."""
    shape = SHAPES.get(name, SHAPE)
    facts = Facts(items=100, shape=shape, classes=("a", "b"), counts=(50, 50), views="glyphs")
    torch.manual_seed(0)
    kind = find_method(name)
    encoder = build_encoder(kind.default_backbone or "cnn", shape, mean=[0.5], deviation=[0.3])
    method = kind(encoder, facts, **SETTINGS.get(name, {}))
    for module in method.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return method.to(dtype).train()


def batch(part, shape):
    made = torch.Generator().manual_seed(0)
    items = torch.randint(0, 256, (ITEMS, *shape), dtype=torch.uint8, generator=made)
    mine = slice(part.start, part.stop)
    return Batch(items[mine], torch.arange(ITEMS)[mine], part, (torch.arange(ITEMS) % 2)[mine])


def shown(method, part, step):
    """The views of one batch; the streams differ, as domains do."""
    first = batch(part, method.facts.shape)
    if len(method.streams) == 1:
        return method.views(first, Draw(0, step, part))
    other = Batch(255 - first.items // 2, first.index, part)
    return method.views({"source": first, "target": other}, Draw(0, step, part))


def gradients(method, forward, part, dtype):
    """Of the second step, so that queues and teachers have moved; weights stay as they were initialised."""
    for step in range(STEPS):
        method.zero_grad()
        views = shown(method, part, step)
        views = tuple(view.to(dtype) if view.dtype.is_floating_point else view for view in views)
        loss = forward(views, Progress(step + 4, 10))["loss"]
        if loss.requires_grad:
            loss.backward()
        method.after_step(Progress(step + 4, 10))
    found = {name: p.grad.clone() for name, p in method.named_parameters() if p.requires_grad}
    return found | {name: value.clone() for name, value in method.named_buffers() if value.dtype.is_floating_point}


def work(rank, folder):
    """One of two processes: it writes what it found in every case, the last without synchronised batch norm."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    half = ITEMS // 2
    for number, (name, dtype) in enumerate([*CASES, LOCAL]):
        method = build(name, dtype)
        if number < len(CASES):
            collectives.synchronise_batch_norm(method)
            method.train()  # as the loop does: what rests in evaluation mode rests still
        forward = LossModule(method)
        if any(parameter.requires_grad for parameter in method.parameters()):
            forward = DistributedDataParallel(forward, broadcast_buffers=False)
        found = gradients(method, forward, Part(rank * half, (rank + 1) * half, ITEMS), dtype)
        torch.save(found, Path(folder) / f"{number}-{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def found_by_two(tmp_path_factory):
    """The folder of what two processes found: they are started once, for starting them takes longest."""
    folder = tmp_path_factory.mktemp("two")
    multiprocessing.spawn(work, (str(folder),), nprocs=2)
    return folder


def compare(folder, number, name, dtype):
    """The largest difference between two processes and one, and between the two, relative to the largest value."""
    first, second = (torch.load(folder / f"{number}-{rank}.pt", weights_only=True) for rank in range(2))
    method = build(name, dtype)
    alone = gradients(method, LossModule(method), Part.whole(ITEMS), dtype)
    assert set(first) == set(alone)
    apart = max(float((first[n] - alone[n]).abs().max() / alone[n].abs().max().clamp_min(1)) for n in alone)
    between = max(float((first[n] - second[n]).abs().max()) for n in alone)
    return apart, between


@pytest.mark.parametrize("number", range(len(CASES)), ids=["-".join(map(str, case)) for case in CASES])
def test_two_processes_have_the_gradients_of_one(number, found_by_two):
    name, dtype = CASES[number]
    apart, between = compare(found_by_two, number, name, dtype)
    assert apart < TOLERANCE[dtype]
    assert between < TOLERANCE[dtype]


def test_without_synchronised_batch_norm_they_have_not(found_by_two):
    """The test above can fail: local statistics put the gradients far off."""
    apart, _ = compare(found_by_two, len(CASES), *LOCAL)
    assert apart > 1e-3
