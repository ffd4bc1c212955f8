"""A server for a benchmark, in a process of its own, and boto3's clients for it.

Used by the scripts here that measure `solder serve`; the opponent is moto's server, as its package starts it. Both write their log to a file.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Callable
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from http_load import run_load

REGION = "us-east-1"
DATA = Path(__file__).resolve().parent.parent / "build" / "bench"  # on the disk that is measured


def wait_until(condition: Callable[[], Any], seconds: float = 300, every: float = 0.05) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise SystemExit("bench: not in time")


class UnsignedPayload(S3SigV4Auth):
    """Leaves the body out of the signature, as botocore does over TLS."""

    def payload(self, request: AWSRequest) -> str:
        """What stands for its hash."""
        return "UNSIGNED-PAYLOAD"


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

    def address(self) -> tuple[str, int]:
        """Host and port."""
        at = urlsplit(self.endpoint)
        return str(at.hostname), int(at.port or 0)

    def signed_headers(self, service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """A request's headers, with its signature."""
        request = AWSRequest(method, self.endpoint + path, data=body, headers=headers)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        (UnsignedPayload if "x-amz-content-sha256" in headers else signer)(Credentials(*self.key), service, REGION).add_auth(request)
        return {"Host": urlsplit(self.endpoint).netloc, **dict(request.headers.items())}

    def signed(self, service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """A request's bytes, signed once: a signature names its second and is good for some minutes from then, and no server here asks for a new one."""
        sent = {**self.signed_headers(service, method, path, headers, body), "Content-Length": str(len(body))}
        return f"{method} {path} HTTP/1.1\r\n".encode() + "".join(f"{name}: {value}\r\n" for name, value in sent.items()).encode() + b"\r\n" + body

    def print_load(self, requests: Sequence[bytes], connections: int, seconds: float, prefix: str = "") -> None:
        """Run the load, and print what came of it under words that begin with the prefix."""
        before = self.cpu_seconds()
        load = run_load(self.address(), requests, connections, seconds)
        figures = {
            "requests_per_second": load.rate(),
            "p50_ms": load.quantile(0.5) * 1000,
            "p99_ms": load.quantile(0.99) * 1000,
            "most_ms": load.latencies[-1] * 1000,
            "server_cores": (self.cpu_seconds() - before) / load.seconds,
            "load_cores": load.cpu_seconds / load.seconds,
            "answers_per_connection": len(load.latencies) / load.connects,
        }
        for word, value in figures.items():
            print(f"{prefix}{word} {value:.3f}")

    def peak_bytes(self) -> int:
        """The most memory that its process has held so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE).group(1)) * 1024  # type: ignore[union-attr]

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait()


def solder(program: str, folder: Path, *options: str) -> Served:
    """`solder serve` over a home directory in the folder, without Spark Connect, with that home's own key."""
    environment = {**os.environ, "SOLDER_HOME": str(folder / "home")}
    server = Served([program, "serve", "--port", "0", "--connect-port", "-1", *options], environment, folder / "server.log")
    shown = subprocess.run([program, "env"], env=environment, capture_output=True, text=True, check=True).stdout
    variables = dict(re.findall(r"^export (\w+)=(.*)$", shown, re.MULTILINE))
    server.key = (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    return server


def moto(folder: Path) -> Served:
    """moto's server by this Python, which finds it by PYTHONPATH."""
    return Served([sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], dict(os.environ), folder / "server.log")


def versitygw(program: str, folder: Path) -> Served:
    """The Versity S3 Gateway over a folder, that keeps connections open as the others do."""
    data = folder / "data"
    data.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = {"ROOT_ACCESS_KEY_ID": "bench-key", "ROOT_SECRET_ACCESS_KEY": "bench-secret"}
    server = Served([program, "--keep-alive", "--port", f"127.0.0.1:{port}", "--region", REGION, "posix", str(data)], {**os.environ, **keys}, folder / "server.log")
    server.key = (keys["ROOT_ACCESS_KEY_ID"], keys["ROOT_SECRET_ACCESS_KEY"])
    return server
