"""Small sums on one thread each: side by side, tests that share cores wait for each other's threads."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def cache_of_tests(tmp_path_factory):
    """No test reads or writes the user's own cache."""
    os.environ["HEADSTART_CACHE"] = str(tmp_path_factory.mktemp("cache"))
