from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from headstart.errors import InputError, RunError
from headstart.training import checkpoint
from headstart.training.lars import LARS


class Net(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.register_buffer("queue", torch.zeros(2, width), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x)).square().mean((0, 2, 3))


OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, fused=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=True),
    "plain sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "lars": lambda p: LARS(p, lr=0.1),
}


def made(kind: str = "adamw", width: int = 4, seed: int = 0):
    torch.manual_seed(seed)
    net = Net(width).to(memory_format=torch.channels_last)
    return net, OPTIMIZERS[kind](net.parameters())


def step(net, optimizer, number: int) -> None:
    x = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(number))
    optimizer.zero_grad()
    (net(x) * torch.arange(1.0, net.norm.num_features + 1)).sum().backward()
    optimizer.step()
    net.queue += number


def saved(folder, steps: int = 3, kind: str = "adamw"):
    net, optimizer = made(kind)
    for number in range(steps):
        step(net, optimizer, number)
        checkpoint.write(checkpoint.capture(net, optimizer, {"step": number + 1}), folder)
    return net, optimizer


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_restored_run_goes_on_with_the_same_bits(tmp_path, kind):
    net, optimizer = saved(tmp_path, kind=kind)
    path = checkpoint.recover(tmp_path)
    twin, other = made(kind, seed=1)
    checkpoint.restore(checkpoint.read(path), twin, other, path)
    for number in range(3, 6):
        step(net, optimizer, number)
        step(twin, other, number)
    for (name, ours), (_, theirs) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert torch.equal(net.norm.running_var, twin.norm.running_var)
    assert torch.equal(net.queue, twin.queue), "buffers outside the state dict too"
    assert twin.conv.weight.stride() == net.conv.weight.stride(), "in channels_last as before"
    for state in other.state.values():
        assert all(v.stride() == net.conv.weight.stride() for v in state.values() if v is not None and v.ndim == 4)


def test_nothing_in_the_file_is_pickled(tmp_path):
    saved(tmp_path)
    raw = (tmp_path / "checkpoint.safetensors").read_bytes()
    assert int.from_bytes(raw[:8], "little") < len(raw)
    assert raw[8:9] == b"{"


def test_the_newest_two_are_kept(tmp_path):
    saved(tmp_path, steps=4)
    steps = [checkpoint.read(tmp_path / name).scalars["step"] for name in (checkpoint.NEWEST, checkpoint.PREVIOUS)]
    assert steps == [4, 3]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("how", ["truncated", "empty", "flipped", "text"])
def test_a_damaged_newest_gives_way_to_the_one_before(tmp_path, capsys, how):
    saved(tmp_path)
    newest = tmp_path / checkpoint.NEWEST
    raw = bytearray(newest.read_bytes())
    raw[-5] ^= 16
    newest.write_bytes({"truncated": raw[:-9], "empty": b"", "flipped": bytes(raw), "text": b"hello " * 90}[how])
    path = checkpoint.recover(tmp_path)
    assert checkpoint.read(path).scalars["step"] == 2
    said = capsys.readouterr().err
    assert str(newest) in said
    assert "step 2" in said
    assert not newest.exists(), "it must not become the previous one at the next save"


def test_no_readable_checkpoint_is_an_error_and_none_at_all_is_a_new_run(tmp_path):
    assert checkpoint.recover(tmp_path) is None
    saved(tmp_path)
    for name in (checkpoint.NEWEST, checkpoint.PREVIOUS):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(RunError, match="--restart"):
        checkpoint.recover(tmp_path)
    assert (tmp_path / checkpoint.PREVIOUS).exists()


def test_another_network_method_or_format_is_refused(tmp_path):
    net, optimizer = saved(tmp_path)
    path = checkpoint.recover(tmp_path)
    found = checkpoint.read(path)
    with pytest.raises(InputError, match=r"another Net: .* differs"):
        checkpoint.restore(found, *made(width=5), path)
    for changed, message in (({"method": "MoCo"}, "of MoCo, not of Net"), ({"format": 2}, "format 2")):
        other = checkpoint.Checkpoint(found.tensors, found.scalars | changed)
        with pytest.raises(InputError, match=message):
            checkpoint.restore(other, net, optimizer, path)
    with pytest.raises(InputError, match="parameter groups"):
        checkpoint.restore(found, net, torch.optim.AdamW(net.conv.parameters()), path)


FULL = """
import resource, signal, sys
from pathlib import Path
import torch
from headstart.errors import RunError
from headstart.training import checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
checkpoint.write(checkpoint.capture(torch.nn.Linear(10, 10), None, {"step": 1}), folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    checkpoint.write(checkpoint.capture(torch.nn.Linear(100, 100), None, {"step": 2}), folder)
except RunError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of a file's size are a Unix thing")
def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "could not be written" in done.stdout
    assert "last good checkpoint is kept" in done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == [checkpoint.NEWEST]
    assert checkpoint.read(tmp_path / checkpoint.NEWEST).scalars["step"] == 1
