"""A server for a benchmark, in a process of its own, and boto3's clients for it.

Used by the scripts here that measure `solder serve`; the opponent is moto's server, as its package starts it. Both write their log to a file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

import boto3

REGION = "us-east-1"


def wait_until(condition: Callable[[], Any], seconds: float = 300, every: float = 0.05) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise SystemExit("bench: not in time")


class Served:
    """`with` it: the server is started, listens, and is ended behind it."""

    def __init__(self, argv: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        try:
            self.endpoint = str(wait_until(self.announced, 60))
        except BaseException:
            self.process.kill()
            raise
        self.key = ("bench", "bench")

    def announced(self) -> str:
        """Where it says that it listens; empty: it has not yet."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        if self.process.poll() is not None:
            raise SystemExit(f"bench: the server has ended:\n{text}")
        found = re.search(r"http://127\.0\.0\.1:\d+", text)
        return found.group(0) if found is not None else ""

    def client(self, service: str) -> Any:
        """boto3's client for it."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=self.key[0], aws_secret_access_key=self.key[1])

    def cpu_seconds(self) -> float:
        """What its process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()


def solder(program: str, folder: Path) -> Served:
    """`solder serve` over a home directory in the folder, without Spark Connect, with that home's own key."""
    environment = {**os.environ, "SOLDER_HOME": str(folder / "home")}
    server = Served([program, "serve", "--port", "0", "--connect-port", "-1"], environment, folder / "server.log")
    shown = subprocess.run([program, "env"], env=environment, capture_output=True, text=True, check=True).stdout
    variables = dict(re.findall(r"^export (\w+)=(.*)$", shown, re.MULTILINE))
    server.key = (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    return server


def moto(folder: Path) -> Served:
    """moto's server by this Python, which finds it by PYTHONPATH."""
    return Served([sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], dict(os.environ), folder / "server.log")
