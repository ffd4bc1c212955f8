"""The server killed under clients of the object store, round after round, for SOLDER_SOAK_MINUTES."""

from __future__ import annotations

import os
import pathlib
import time

from tests.fault.s3_load import Load


def test_killed_again_and_again(tmp_path: pathlib.Path) -> None:
    """At least one round; prints how often it was killed, what was acknowledged and what was seen."""
    end = time.monotonic() + 60 * float(os.environ.get("SOLDER_SOAK_MINUTES", "30"))
    load = Load(tmp_path / "home", os.environ.get("SOLDER_SEED", str(time.time_ns())))
    try:
        while load.kills == 0 or time.monotonic() < end:
            load.go_round()
            if load.kills % 25 == 0:
                print(load.summary(), flush=True)
    finally:
        load.server.stop()
        print(load.summary(), flush=True)
