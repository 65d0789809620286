"""Small sums on one thread each: side by side, tests that share cores wait for each other's threads."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
