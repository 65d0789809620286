import re
from pathlib import Path

import pytest
import torch

from headstart.views import VIEW_SETS
from headstart.views.sets import STEPS

PAGE = (Path(__file__).parents[2] / "docs" / "views.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_run(example):
    names = {}
    exec(example, names)
    assert names["first"].shape == names["second"].shape == torch.Size([64, 3, 96, 96])


def test_every_set_and_step_is_named():
    assert all(f"`{name}`" in PAGE for name in (*VIEW_SETS, *STEPS))
