"""One engine under clients that come, go and are killed for SOLDER_SOAK_MINUTES: its memory, files and processes must not grow."""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import sys
import time

from tests.conftest import Engine

CLIENTS = 3
WARM_UP_SHARE = 0.25
GROWTH_BYTES = 200_000_000


def resident_bytes(pid: int) -> int:
    """What the process holds in memory."""
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """How many descriptors it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_engine_under_load(tmp_path: pathlib.Path) -> None:
    """Starts clients again as they end, kills some in the middle, and compares the engine after its warm-up with its end."""
    minutes = float(os.environ.get("SOLDER_SOAK_MINUTES", "30"))
    engine = Engine(tmp_path / "home")
    pick = random.Random(1)
    env = {**os.environ, "SPARK_CONNECT_MODE_ENABLED": "1"}
    client = pathlib.Path(__file__).with_name("soak_client.py")
    running: dict[subprocess.Popen[str], float] = {}
    start, ended, killed = time.monotonic(), 0, 0
    warm: tuple[int, int] | None = None
    try:
        while (spent := time.monotonic() - start) < minutes * 60:
            while len(running) < CLIENTS:
                process = subprocess.Popen([sys.executable, str(client), engine.remote, str(pick.uniform(2, 20)), str(pick.randrange(1 << 30))], env=env,
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                running[process] = time.monotonic() + (pick.uniform(0.8, 3) if pick.random() < 0.25 else 1e9)
            for process, doom in list(running.items()):
                if time.monotonic() > doom and process.poll() is None:
                    process.kill()
                    process.wait()
                    killed += 1
                    del running[process]
                elif process.poll() is not None:
                    output = process.communicate()[0]
                    assert process.returncode == 0, output
                    ended += 1
                    del running[process]
            assert engine.process.poll() is None, "".join(engine.errors)
            if warm is None and spent > minutes * 60 * WARM_UP_SHARE:
                warm = resident_bytes(engine.process.pid), open_files(engine.process.pid)
            time.sleep(0.2)
        for process in running:
            process.kill()
            process.wait()
        time.sleep(3)
        assert warm is not None and ended > 0
        held, files = resident_bytes(engine.process.pid), open_files(engine.process.pid)
        print(f"{ended} clients ended, {killed} killed; memory {warm[0] >> 20} → {held >> 20} MB, files {warm[1]} → {files}")
        assert held < warm[0] + GROWTH_BYTES
        assert files <= warm[1] + 8
        children = pathlib.Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children").read_text().split()
        assert children == []
    finally:
        for process in running:
            process.kill()
            process.wait()
        engine.stop()
