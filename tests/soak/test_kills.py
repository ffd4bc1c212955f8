"""The server killed in each state of cluster, step and run, round after round, for SOLDER_SOAK_MINUTES."""

from __future__ import annotations

import os
import time

from tests.emr.conftest import Emr, emr  # noqa: F401
from tests.emr.test_kill_loop import Loop, go_round


def test_killed_again_and_again(emr: Emr) -> None:  # noqa: F811
    """At least one round; prints how often it was killed, and in which states."""
    end = time.monotonic() + 60 * float(os.environ.get("SOLDER_SOAK_MINUTES", "30"))
    loop = Loop(emr)
    number = 0
    while number == 0 or time.monotonic() < end:
        go_round(loop, number)
        number += 1
        print(f"killed {sum(loop.killed.values())} times in {number} rounds: {dict(sorted(loop.killed.items()))}", flush=True)
