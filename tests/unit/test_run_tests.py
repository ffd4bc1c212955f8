"""tools/run_tests ends what it started when it is told to end."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

RUN_TESTS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "run_tests"

# Suites that start processes of every kind: one that stays in its group, one that leaves it, one that ignores SIGTERM, an orphan.
DRIVER = """
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

loader = SourceFileLoader("run_tests", sys.argv[1])
run_tests = module_from_spec(spec_from_loader("run_tests", loader))
sys.modules["run_tests"] = run_tests
loader.exec_module(run_tests)
folder = sys.argv[2]
scripts = [
    f"echo $$ > {folder}/1; exec sleep 600",
    f"setsid sh -c 'echo $$ > {folder}/2; exec sleep 600'",
    f"trap '' TERM; echo $$ > {folder}/3; while :; do sleep 1; done",
    f"(setsid sh -c 'echo $$ > {folder}/4; exec sleep 600' &) ; sleep 600",
]
suites = [run_tests.Suite(str(i), lambda s=script: run_tests.one(["sh", "-c", s]), heavy=i == 0) for i, script in enumerate(scripts)]
suites += [run_tests.Suite("never", lambda: run_tests.one(["touch", f"{folder}/never"]), heavy=True)]
run_tests.JOBS = 5
run_tests.LOGS.mkdir(parents=True, exist_ok=True)
run_tests.END_SECONDS = 1
run_tests.CHILDREN.end_on_signals()
run_tests.run_suites(suites)
"""


def pids(folder: pathlib.Path) -> list[int]:
    """What the suites have written so far."""
    return [int(text) for name in "1234" if (folder / name).exists() and (text := (folder / name).read_text().strip())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything(tmp_path: pathlib.Path, number: signal.Signals) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER)
    run = subprocess.Popen([sys.executable, str(driver), str(RUN_TESTS), str(tmp_path)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while len(pids(tmp_path)) < 4:
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.02)
    run.send_signal(number)
    _, errors = run.communicate(timeout=300)
    assert run.returncode == 128 + number and errors == f"ended by {number.name}\n"
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids(tmp_path))
    assert not (tmp_path / "never").exists()
