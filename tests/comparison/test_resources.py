import sys
import time

import pytest
import torch

from headstart.comparison.resources import measured


def test_time_and_memory_are_those_of_the_work_inside():
    with measured() as small:
        time.sleep(0.05)
    with measured() as large:
        torch.ones(100_000_000).sum()  # 400 MB
    assert small.seconds >= 0.05
    assert large.peak_memory_bytes > 400_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_an_earlier_peak_is_forgotten():
    with measured() as large:
        torch.ones(100_000_000).sum()
    with measured() as small:
        pass
    if small.peak_memory_bytes == large.peak_memory_bytes:
        pytest.skip("this system doesn't let a process reset its peak")
    assert small.peak_memory_bytes < large.peak_memory_bytes - 200_000_000


def test_work_that_fails_is_measured_too():
    with pytest.raises(ValueError, match="broken"), measured() as usage:
        raise ValueError("broken")
    assert usage.seconds > 0
    assert usage.peak_memory_bytes > 0
