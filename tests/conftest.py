"""Fixtures that every Python test may use: real Spark, and the engine.

`spark_classic` is one JVM (local[2]) for the whole run, `spark_engine` one engine process and session for the whole run.  The engine is
build/solder, or what SOLDER_BIN names.  Without SOLDER_BIN a test that needs the engine is skipped while it is not built; with it, as under
`make test`, the test fails.
SOLDER_TEST_REMOTE (sc://host:port) names a running Spark Connect server to use instead.

pyspark's column functions ask the environment whether they speak to Connect: use `connect_mode(True or False)` around what a test does with
one of the two sessions.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from typing import Any, Iterator

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PYTHON_PATH = REPOSITORY / "python"
if str(PYTHON_PATH) not in sys.path:
    sys.path.insert(0, str(PYTHON_PATH))
# Workers of real Spark find our modules, and run the same Python.
os.environ["PYTHONPATH"] = os.pathsep.join(p for p in (str(PYTHON_PATH), os.environ.get("PYTHONPATH", "")) if p)
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

_CONNECT_VARIABLES = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
for _name in (*_CONNECT_VARIABLES, "SOLDER_ENGINE", "SOLDER_CATALOG_FILE"):
    os.environ.pop(_name, None)


@contextlib.contextmanager
def connect_mode(on: bool) -> Iterator[None]:
    """Within the block pyspark's functions make Connect expressions, or classic ones."""
    before = {name: os.environ.get(name) for name in _CONNECT_VARIABLES}
    for name in _CONNECT_VARIABLES:
        os.environ.pop(name, None)
    if on:
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@pytest.fixture(scope="session")
def spark_classic() -> Iterator[Any]:
    """Real Spark in this process."""
    with connect_mode(False):
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .appName("solder tests")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
    yield session
    with connect_mode(False):
        session.stop()


def solder_binary() -> pathlib.Path:
    """The program under test; skips (or fails, when SOLDER_BIN names it) while there is none."""
    named = os.environ.get("SOLDER_BIN")
    binary = pathlib.Path(named or REPOSITORY / "build" / "solder")
    if not binary.exists():
        if named:
            pytest.fail(f"{binary} is not built: make build")
        pytest.skip(f"{binary} is not built")
    return binary


class Engine:
    """A `solder connect` process on a port of its own."""

    def __init__(self, home: pathlib.Path, *arguments: str) -> None:
        self.home = home
        command = [str(solder_binary()), "--home", str(home), "connect", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors: list[str] = []
        threading.Thread(target=self._drain, daemon=True).start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"sc://\S+?:(\d+)", line)
        if found is None:
            self.process.kill()
            pytest.fail(f"solder connect said {line!r} and {''.join(self.errors)!r} instead of its port")
        self.remote = f"sc://127.0.0.1:{found.group(1)}"

    def _drain(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def solder(self, *arguments: str) -> str:
        """Run a verb over the same home; what it printed."""
        command = [str(solder_binary()), "--home", str(self.home), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"{' '.join(arguments)}: {ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine that the whole run shares."""
    started = Engine(tmp_path_factory.mktemp("solder-home"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def engine_remote(request: pytest.FixtureRequest) -> str:
    """The engine's address, sc://127.0.0.1:PORT."""
    return os.environ.get("SOLDER_TEST_REMOTE") or request.getfixturevalue("engine").remote


@pytest.fixture(scope="session")
def spark_engine(engine_remote: str) -> Iterator[Any]:
    """A session with the engine."""
    with connect_mode(True):
        from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator
        from pyspark.sql.connect.session import SparkSession

        from solder.session import share_release_pool

        share_release_pool(ExecutePlanResponseReattachableIterator)
        session = SparkSession(connection=engine_remote)
        session.conf.set("spark.sql.session.timeZone", "UTC")
    yield session
    with connect_mode(True):
        session.stop()
