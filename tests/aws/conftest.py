"""A running `solder serve` and AWS's clients for it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
from typing import Any, Iterator

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOLDER = pathlib.Path(os.environ.get("SOLDER_BIN", ROOT / "build" / "solder"))


class Server:
    """One server over one home directory; it may be killed and started again."""

    def __init__(self, home: pathlib.Path, *options: str) -> None:
        self.home = home
        self.options = options
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.env.update(SOLDER_HOME=str(home), AWS_EC2_METADATA_DISABLED="true", AWS_MAX_ATTEMPTS="1", AWS_PAGER="")
        self.log: list[str] = []
        self.start()

    def start(self) -> None:
        """Start it and wait until it says where it listens."""
        command = [str(SOLDER), "serve", "--port", "0", "--connect-port", "-1", *self.options]
        self.process = subprocess.Popen(
            command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert self.process.stderr is not None and self.process.stdout is not None
        self.reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:(\d+))", line)
        if found is None:
            self.process.wait(30)
            self.reader.join(30)
            raise RuntimeError(f"solder serve said {line!r} and {''.join(self.log)!r}")
        self.endpoint, self.port = found.group(1), int(found.group(2))
        shown = subprocess.run([SOLDER, "env"], env=self.env, capture_output=True, text=True, check=True).stdout
        self.variables = dict(re.findall(r"^export (\w+)=(.*)$", shown, re.MULTILINE))

    def client(self, service: str, **options: Any) -> Any:
        """boto3's client with the home's own key; options replace what it is made with."""
        made = {
            "endpoint_url": self.endpoint,
            "aws_access_key_id": self.variables["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.variables["AWS_SECRET_ACCESS_KEY"],
            "region_name": "us-east-1",
            "config": Config(retries={"total_max_attempts": 1}),
        }
        return boto3.session.Session().client(service, **{**made, **options})

    def cli(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """The AWS CLI, through `solder aws`."""
        return subprocess.run([SOLDER, "aws", *arguments], env=self.env, input=stdin, capture_output=True, text=True, check=False)

    def aws(self, *arguments: str, stdin: str | None = None) -> Any:
        """The AWS CLI with a command that must succeed; its JSON, or its text when it is none."""
        done = self.cli(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        try:
            return json.loads(done.stdout) if done.stdout.strip() else None
        except json.JSONDecodeError:
            return done.stdout

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As Ctrl-C; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.process.wait()
        self.reader.join(30)
        return status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that a module's tests share."""
    started = Server(tmp_path_factory.mktemp("aws") / "home")
    yield started
    started.stop()


@pytest.fixture
def fresh_server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """One of a test's own."""
    started = Server(tmp_path / "home")
    yield started
    started.stop()
