"""The server killed with SIGKILL while several clients write: what was acknowledged is there, whole; what was not is there whole or not at all."""

from __future__ import annotations

import os
import pathlib

from tests.fault.s3_load import Load

KILLS = int(os.environ.get("SOLDER_KILLS", "16"))


def test_acknowledged_is_whole(tmp_path: pathlib.Path) -> None:
    load = Load(tmp_path / "home", os.environ.get("SOLDER_SEED", "1"))
    try:
        for _ in range(KILLS):
            load.go_round()
    finally:
        load.server.stop()
    print(load.summary())
    assert sum(load.acknowledged.values()) > KILLS and load.seen["version"] > 0
