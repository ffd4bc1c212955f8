"""Runs scripts through `python -m solder.launch`, as `solder run` does."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any, Callable

import pytest

from tests.conftest import PYTHON_PATH


@pytest.fixture
def script(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Writes a script."""

    def write(text: str, name: str = "job.py") -> pathlib.Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def launch(tmp_path: pathlib.Path) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script without an engine: launch(path, "--arg", …)."""

    def run(path: pathlib.Path | str, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(PYTHON_PATH), **(env or {})}
        command = [sys.executable, "-m", "solder.launch", str(path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120, **options)

    return run


@pytest.fixture
def launch_connected(launch: Callable, engine_remote: str) -> Callable[..., subprocess.CompletedProcess]:
    """Runs a script with an engine."""

    def run(path: pathlib.Path | str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        ours = "0" if os.environ.get("SOLDER_TEST_REMOTE") else "1"
        return launch(
            path, *arguments, env={"SPARK_REMOTE": engine_remote, "SPARK_CONNECT_MODE_ENABLED": "1", "SOLDER_ENGINE": ours, **(env or {})}
        )

    return run
