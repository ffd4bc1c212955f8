"""`solder status` over a server's jobs: what the API says of them, and how it looks on a terminal. Clusters are in tests/emr."""

from __future__ import annotations

import csv
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import termios
from typing import Iterator

import pytest

from .conftest import ROOT, SOLDER, Server
from .test_jobs import WAITS, Jobs, wait_for

PEOPLE = ROOT / "examples" / "titanic.csv"
READS = f"""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.read.csv({str(PEOPLE)!r}, header=True).filter("age > 30").count())
"""


@pytest.fixture
def jobs(tmp_path: pathlib.Path) -> Iterator[Jobs]:
    """A server that runs two at once."""
    server = Server(tmp_path / "home", "--max-runs", "2")
    yield Jobs(server)
    server.stop()


def plain(server: Server) -> str:
    """Its whole output, into a pipe."""
    return subprocess.run([SOLDER, "status"], env=server.env, capture_output=True, text=True, check=True).stdout


def on_terminal(server: Server, width: int) -> list[str]:
    """Its lines on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    process = subprocess.Popen([SOLDER, "status"], env=server.env, stdin=subprocess.DEVNULL, stdout=theirs)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:
        pass  # its last writer is gone
    os.close(ours)
    assert process.wait() == 0
    return output.decode().replace("\r", "").splitlines()


def test_runs_progress_and_queue(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    shared = {"DefaultArguments": {"--gate": str(gate)}, "ExecutionProperty": {"MaxConcurrentRuns": 3}}
    reads = jobs.job("reads people", READS + WAITS, **shared)
    waits = jobs.job("waits", WAITS, **shared)
    running = [(reads, jobs.start(reads)), (waits, jobs.start(waits))]
    queued = [(waits, jobs.start(waits)), (reads, jobs.start(reads)), (waits, jobs.start(waits))]
    for _, run in running:
        wait_for(lambda run=run: "ready" in jobs.lines(run), "the script is at its gate")
    with PEOPLE.open(encoding="utf-8", newline="") as file:
        people = sum(1 for _ in csv.DictReader(file))
    shown = wait_for(lambda: (now := jobs.server.status()["job runs"]) and now[0]["rows read"] and now, "the rows that were read")
    assert [(row["job"], row["run"], row["queue"]) for row in shown] == [(name, run, "") for name, run in running] + [
        (name, run, str(place)) for place, (name, run) in enumerate(queued, 1)
    ]
    assert [row["state"] for row in shown] == [jobs.state(name, run) for name, run in running + queued] == ["RUNNING"] * 2 + ["WAITING"] * 3
    assert [row["rows read"] for row in shown] == [f"{people:,}", "", "", "", ""]
    assert all(re.fullmatch(r"\d+ s|\d+ min \d+ s", row["for"]) for row in shown)
    for width in (60, 80, 100):
        lines = on_terminal(jobs.server, width)
        assert max(map(len, lines)) == width, lines
        assert [line.endswith("…") for line in lines if "jr_" in line] == [True] * 5
    assert on_terminal(jobs.server, 200)[2].split() == ["job", "runs"] and not any("…" in line for line in on_terminal(jobs.server, 200))
    gate.touch()
    for name, run in running + queued:
        assert jobs.ended(name, run)["JobRunState"] == "SUCCEEDED"
    assert jobs.server.status() == {} and plain(jobs.server).endswith("\nnothing runs\n")


def test_a_server_that_stops_and_one_that_is_killed(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    server = jobs.server
    assert plain(server).splitlines()[0] == f"serving on {server.endpoint} (process {server.process.pid})"
    gate = tmp_path / "gate"
    name = jobs.job("killed", WAITS, DefaultArguments={"--gate": str(gate)})
    run = jobs.start(name)
    wait_for(lambda: jobs.lines(run) == ["ready"], "the script is at its gate")
    server.kill()
    left = plain(server).splitlines()
    assert left[0] == "no server runs over this home directory" and run in "".join(left) and "left by a server that was killed" in left[-1]
    server.start()
    assert server.status() == {}
    server.stop()
    assert plain(server) == "no server runs over this home directory\nnothing runs\n"
